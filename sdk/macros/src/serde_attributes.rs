//! What serde's attributes and `#[weir(...)]` say about a type, a field or a variant, as far as a schema depends on it.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Result, Token, Type};

use crate::rename::Rule;

/// Everything at once: which of it can stand where is serde's to check.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "serde's attributes are words that are there or not")]
pub(crate) struct Attributes {
    pub(crate) description: String,
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Rule>,
    pub(crate) rename_all_fields: Option<Rule>,
    pub(crate) default: Default,
    pub(crate) deny_unknown_fields: bool,
    pub(crate) transparent: bool,
    pub(crate) untagged: bool,
    pub(crate) skip: bool,
    pub(crate) tag: Option<String>,
    pub(crate) content: Option<String>,
    /// What is read in the type's or the field's place.
    pub(crate) like: Option<Type>,
    /// Read by a function: only `like` can tell what that reads.
    pub(crate) by_function: Option<Error>,
    /// What `#[weir(default = ...)]` says, as JSON.
    pub(crate) shown_default: Option<(String, Error)>,
}

/// What serde takes for a field that is not there.
#[derive(Default, PartialEq, Eq)]
pub(crate) enum Default {
    #[default]
    None,
    /// The type's `Default`.
    OfType,
    /// What a function returns.
    OfFunction,
}

impl Attributes {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = Self { description: description(attributes), ..Self::default() };
        for attribute in attributes {
            if attribute.path().is_ident("serde") {
                attribute.parse_nested_meta(|meta| read.serde(&meta))?;
            } else if attribute.path().is_ident("weir") {
                attribute.parse_nested_meta(|meta| read.weir(&meta))?;
            }
        }
        if let (None, Some(error)) = (&read.like, read.by_function.take()) {
            return Err(error);
        }
        Ok(read)
    }

    fn serde(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match name.as_str() {
            "rename" => self.rename = deserialized(meta)?.map(|name| name.value()),
            "rename_all" => self.rename_all = deserialized(meta)?.as_ref().map(Rule::parse).transpose()?,
            "rename_all_fields" => {
                self.rename_all_fields = deserialized(meta)?.as_ref().map(Rule::parse).transpose()?;
            }
            "default" => {
                self.default = if meta.input.peek(Token![=]) {
                    let _: LitStr = meta.value()?.parse()?;
                    Default::OfFunction
                } else {
                    Default::OfType
                };
            }
            "deny_unknown_fields" => self.deny_unknown_fields = true,
            "transparent" => self.transparent = true,
            "untagged" => self.untagged = true,
            "skip" | "skip_deserializing" => self.skip = true,
            "tag" => self.tag = Some(text(meta)?.value()),
            "content" => self.content = Some(text(meta)?.value()),
            "from" | "try_from" => self.like = Some(text(meta)?.parse()?),
            "with" | "deserialize_with" => {
                let _: LitStr = meta.value()?.parse()?;
                self.by_function = Some(meta.error(
                    "what this function reads cannot be seen from here; name a type that looks the same: `#[weir(like = String)]`",
                ));
            }
            // Of these the schema does not depend.
            "bound" | "crate" | "expecting" | "into" | "serialize_with" | "skip_serializing_if" | "borrow" => {
                if meta.input.peek(Token![=]) {
                    let _: Expr = meta.value()?.parse()?;
                }
            }
            "skip_serializing" => {}
            _ => {
                return Err(meta.error(format!(
                    "`#[derive(weir::Config)]` does not understand `#[serde({name})]`, so the schema would not say what is read"
                )));
            }
        }
        Ok(())
    }

    fn weir(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("default") {
            let value: Expr = meta.value()?.parse()?;
            let unfit = meta.error("serde has no default for this field; add `#[serde(default = \"...\")]`");
            self.shown_default = Some((json(&value)?, unfit));
            Ok(())
        } else if meta.path.is_ident("like") {
            self.like = Some(meta.value()?.parse()?);
            Ok(())
        } else {
            Err(meta.error("there is `#[weir(default = ...)]` and `#[weir(like = ...)]`"))
        }
    }
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    meta.value()?.parse()
}

/// `= "name"`, or `(deserialize = "name")` of which the other half is of no interest.
fn deserialized(meta: &ParseNestedMeta<'_>) -> Result<Option<LitStr>> {
    if meta.input.peek(Token![=]) {
        return text(meta).map(Some);
    }
    let mut name = None;
    meta.parse_nested_meta(|half| {
        let value = text(&half)?;
        if half.path.is_ident("deserialize") {
            name = Some(value);
        }
        Ok(())
    })?;
    Ok(name)
}

/// A literal as JSON.
fn json(value: &Expr) -> Result<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(quoted(&text.value())),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => Ok(number.base10_digits().to_owned()),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => Ok(number.base10_digits().to_owned()),
        Expr::Lit(ExprLit { lit: Lit::Bool(truth), .. }) => Ok(truth.value.to_string()),
        Expr::Unary(negated) if matches!(negated.op, syn::UnOp::Neg(_)) => Ok(format!("-{}", json(&negated.expr)?)),
        Expr::Array(list) => {
            let parts = list.elems.iter().map(json).collect::<Result<Vec<_>>>()?;
            Ok(format!("[{}]", parts.join(",")))
        }
        _ => Err(Error::new_spanned(value, "a default is a text, a number, `true`, `false` or a list of these")),
    }
}

fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\0'..' ' => json.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => json.push(character),
        }
    }
    json.push('"');
    json
}

/// The doc comment, one line for each paragraph.
fn description(attributes: &[Attribute]) -> String {
    let mut description = String::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let Ok(Expr::Lit(ExprLit { lit: Lit::Str(line), .. })) =
            attribute.meta.require_name_value().map(|doc| &doc.value)
        else {
            continue;
        };
        let line = line.value();
        let line = line.trim();
        if line.is_empty() {
            description.push('\n');
        } else {
            if !description.is_empty() && !description.ends_with('\n') {
                description.push(' ');
            }
            description.push_str(line);
        }
    }
    description.trim().to_owned()
}
