//! What a hook's method takes, and its call with just that.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, ImplItemFn, Receiver, ReceiverKind, Result, Type};

/// What a hook can be lent.
#[derive(Clone, Copy)]
pub(crate) enum Argument {
    Request,
    RequestMut,
    ResponseMut,
    Body,
    Resumed,
    Completion,
}

impl Argument {
    /// The value at the parameter's place: a wrong type is shown there.
    fn lent(self, place: Span) -> TokenStream {
        match self {
            Self::Request => quote_spanned!(place=> &::weir::__private::request()),
            Self::RequestMut => quote_spanned!(place=> &mut ::weir::__private::request()),
            Self::ResponseMut => quote_spanned!(place=> &mut ::weir::__private::response()),
            Self::Body => quote_spanned!(place=> &mut ::weir::__private::body()),
            Self::Resumed => {
                let resumed = Ident::new("resumed", Span::call_site());
                quote_spanned!(place=> &mut #resumed)
            }
            Self::Completion => quote_spanned!(place=> &::weir::__private::completion()),
        }
    }
}

/// The call of a hook that has one of these forms.
pub(crate) fn call(method: &ImplItemFn, forms: &[&[Argument]], words: &str) -> Result<TokenStream> {
    let hook = &method.sig.ident;
    let parameters = parameters(method)?;
    if let Some(owned) = parameters.iter().find(|parameter| !matches!(parameter, Type::Reference(_))) {
        return Err(Error::new(
            owned.span(),
            format!("a hook borrows what belongs to the exchange: beside `&self` `{hook}` takes {words}"),
        ));
    }
    let Some(form) = forms.iter().find(|form| form.len() == parameters.len()) else {
        return Err(wrong(method, words));
    };
    let arguments = form.iter().zip(&parameters).map(|(argument, parameter)| argument.lent(parameter.span()));
    Ok(quote!(Self::#hook(self, #(#arguments),*)))
}

/// The types of the parameters beside `&self`.
pub(crate) fn parameters(method: &ImplItemFn) -> Result<Vec<&Type>> {
    ordinary(method)?;
    let mut inputs = method.sig.inputs.iter();
    let Some(FnArg::Receiver(Receiver { kind: ReceiverKind::Reference(_, _, None), .. })) = inputs.next() else {
        return Err(Error::new(
            method.sig.inputs.first().map_or_else(|| method.sig.span(), Spanned::span),
            "a hook takes `&self`: instances are shared by many exchanges, \
             what belongs to one goes into its slot (`weir::exchange::set_state`)",
        ));
    };
    Ok(inputs
        .filter_map(|input| match input {
            FnArg::Typed(input) => Some(&*input.ty),
            FnArg::Receiver(_) => None,
        })
        .collect())
}

/// Whether the host can call it.
pub(crate) fn ordinary(method: &ImplItemFn) -> Result<()> {
    let signature = &method.sig;
    let hook = &signature.ident;
    if let Some(asyncness) = &signature.asyncness {
        return Err(Error::new(
            asyncness.span(),
            format!("`{hook}` is not async: what waits (`Upstream`, `weir::password`) is called like anything else"),
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new(signature.generics.span(), format!("`{hook}` cannot be generic: the host calls it")));
    }
    Ok(())
}

/// For parameters that are none of the hook's.
pub(crate) fn wrong(method: &ImplItemFn, forms: &str) -> Error {
    let hook = &method.sig.ident;
    Error::new(method.sig.span(), format!("beside `&self` `{hook}` takes {forms}"))
}
