//! `#[derive(weir::Config)]`: from a type to constants that describe what serde reads into it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Error, Field, Fields, FieldsNamed, Result, Type, Variant};

use crate::rename::Rule;
use crate::serde_attributes::{Attributes, Default};

/// The type's `Schema`, or what is in its way.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    match schema(input) {
        Ok(node) => {
            let name = &input.ident;
            quote! {
                impl ::weir::schema::Schema for #name {
                    const SCHEMA: &'static ::weir::schema::Node = #node;
                }
            }
        }
        Err(error) => error.to_compile_error(),
    }
}

fn schema(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new(
            input.generics.span(),
            "a configuration's type cannot be generic: its schema is a constant",
        ));
    }
    let attributes = Attributes::read(&input.attrs)?;
    let mut description = attributes.description.clone();
    let node = match (&attributes.like, &input.data) {
        (Some(like), _) => of_type(like),
        (None, Data::Struct(data)) => structure(&data.fields, &attributes, input)?,
        (None, Data::Enum(data)) => {
            let variants = Variants::read(data, &attributes)?;
            description.push_str(&variants.descriptions());
            variants.node()?
        }
        (None, Data::Union(_)) => return Err(Error::new(input.ident.span(), "a union is no configuration")),
    };
    Ok(described(description.trim(), node))
}

fn described(description: &str, node: TokenStream) -> TokenStream {
    if description.is_empty() { node } else { quote!(&::weir::schema::Node::Described(#description, #node)) }
}

fn of_type(of: &Type) -> TokenStream {
    quote_spanned!(of.span()=> <#of as ::weir::schema::Schema>::SCHEMA)
}

fn structure(fields: &Fields, attributes: &Attributes, input: &DeriveInput) -> Result<TokenStream> {
    match fields {
        Fields::Named(fields) if attributes.transparent => match fields.named.iter().next() {
            Some(field) => Ok(of_type(&field.ty)),
            None => Err(Error::new(input.ident.span(), "there is no field to be transparent for")),
        },
        Fields::Named(fields) => object(fields, attributes.rename_all, attributes),
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(of_type(&fields.unnamed[0].ty)),
        _ => Err(Error::new(input.ident.span(), "a configuration has fields with names, or is a wrapper of one type")),
    }
}

/// An object with these fields, of a struct or a variant of the type that has the attributes.
fn object(fields: &FieldsNamed, rename_all: Option<Rule>, of: &Attributes) -> Result<TokenStream> {
    let properties = fields
        .named
        .iter()
        .map(|field| property(field, rename_all, of))
        .filter_map(Result::transpose)
        .collect::<Result<Vec<_>>>()?;
    let closed = of.deny_unknown_fields;
    Ok(quote!(&::weir::schema::Node::Object { properties: &[#(#properties),*], closed: #closed }))
}

fn property(field: &Field, rename_all: Option<Rule>, of: &Attributes) -> Result<Option<TokenStream>> {
    let attributes = Attributes::read(&field.attrs)?;
    let Some(ident) = field.ident.as_ref().filter(|_| !attributes.skip) else { return Ok(None) };
    let name = attributes.rename.unwrap_or_else(|| {
        let name = ident.unraw().to_string();
        rename_all.map_or(name.clone(), |rule| rule.field(&name))
    });
    let ty = &field.ty;
    let node = of_type(attributes.like.as_ref().unwrap_or(ty));
    let has_default = attributes.default != Default::None || of.default != Default::None;
    let required = if has_default {
        quote!(false)
    } else if attributes.like.is_some() {
        quote!(true)
    } else {
        quote_spanned!(ty.span()=> !<#ty as ::weir::schema::Schema>::OPTIONAL)
    };
    let default = match attributes.shown_default {
        Some((_, unfit)) if !has_default => return Err(unfit),
        Some((json, _)) => quote!(::std::option::Option::Some(#json)),
        None if attributes.default == Default::OfType && attributes.like.is_none() => {
            quote_spanned!(ty.span()=> <#ty as ::weir::schema::Schema>::DEFAULT)
        }
        None => quote!(::std::option::Option::None),
    };
    let description = attributes.description;
    Ok(Some(quote! {
        ::weir::schema::Property {
            name: #name, description: #description, required: #required, default: #default, node: #node,
        }
    }))
}

/// An enum's variants, as far as a configuration can name them.
struct Variants<'a> {
    of: &'a Attributes,
    variants: Vec<(&'a Variant, String, Attributes)>,
}

impl<'a> Variants<'a> {
    fn read(data: &'a DataEnum, of: &'a Attributes) -> Result<Self> {
        let mut variants = Vec::new();
        for variant in &data.variants {
            let mut attributes = Attributes::read(&variant.attrs)?;
            if attributes.skip {
                continue;
            }
            let name = attributes.rename.take().unwrap_or_else(|| {
                let name = variant.ident.unraw().to_string();
                of.rename_all.map_or(name.clone(), |rule| rule.variant(&name))
            });
            variants.push((variant, name, attributes));
        }
        Ok(Self { of, variants })
    }

    /// Whether a variant is a mere word.
    fn is_word(&self, variant: &Variant) -> bool {
        matches!(variant.fields, Fields::Unit) && self.of.tag.is_none() && !self.of.untagged
    }

    /// What the words mean: in the schema they are a list without room for that.
    fn descriptions(&self) -> String {
        self.variants
            .iter()
            .filter(|(variant, _, attributes)| self.is_word(variant) && !attributes.description.is_empty())
            .map(|(_, name, attributes)| format!("\n`{name}`: {}", attributes.description))
            .collect()
    }

    fn node(&self) -> Result<TokenStream> {
        let words: Vec<_> =
            self.variants.iter().filter(|(variant, ..)| self.is_word(variant)).map(|(_, name, _)| name).collect();
        let mut nodes = Vec::new();
        if !words.is_empty() {
            let enumeration = quote!(&::weir::schema::Node::Enum(&[#(#words),*]));
            if words.len() == self.variants.len() {
                return Ok(enumeration);
            }
            nodes.push(enumeration);
        }
        for (variant, name, attributes) in self.variants.iter().filter(|(variant, ..)| !self.is_word(variant)) {
            nodes.push(described(&attributes.description, self.variant(variant, name, attributes)?));
        }
        let choice = if self.of.untagged { quote!(AnyOf) } else { quote!(OneOf) };
        Ok(quote!(&::weir::schema::Node::#choice(&[#(#nodes),*])))
    }

    fn variant(&self, variant: &Variant, name: &str, attributes: &Attributes) -> Result<TokenStream> {
        let closed = self.of.deny_unknown_fields;
        let content = match (&attributes.like, &variant.fields) {
            (Some(like), _) => Some(of_type(like)),
            (None, Fields::Unit) => None,
            (None, Fields::Unnamed(fields)) if fields.unnamed.len() == 1 => Some(of_type(&fields.unnamed[0].ty)),
            (None, Fields::Named(fields)) => {
                Some(object(fields, attributes.rename_all.or(self.of.rename_all_fields), self.of)?)
            }
            (None, Fields::Unnamed(_)) => {
                return Err(Error::new(variant.ident.span(), "give the fields names: `Variant { name: Type }`"));
            }
        };
        let property = |name: &str, node: TokenStream| {
            quote!(::weir::schema::Property {
                name: #name, description: "", required: true, default: ::std::option::Option::None, node: #node,
            })
        };
        let word = |name: &str| quote!(&::weir::schema::Node::Enum(&[#name]));
        let nothing = quote!(&::weir::schema::Node::Object { properties: &[], closed: #closed });
        Ok(match (&self.of.tag, &self.of.content, content) {
            (None, _, content) if self.of.untagged => content.unwrap_or_else(|| quote!(&::weir::schema::Node::Null)),
            // One that is a word is not asked for here.
            (None, _, content) => {
                let content = property(name, content.unwrap_or(nothing));
                quote!(&::weir::schema::Node::Object { properties: &[#content], closed: true })
            }
            (Some(tag), None, content) => {
                let content = content.unwrap_or(nothing);
                quote!(&::weir::schema::Node::Tagged { key: #tag, value: #name, node: #content })
            }
            (Some(tag), Some(key), content) => {
                let tag = property(tag, word(name));
                let content = content.map(|content| property(key, content));
                quote!(&::weir::schema::Node::Object { properties: &[#tag, #content], closed: #closed })
            }
        })
    }
}
