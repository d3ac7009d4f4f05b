//! `#[weir::filter]`: turns the methods of one impl block into the hooks that a component exports.
//!
//! An attribute on the impl block sees which hooks are there; a trait with defaulted methods could
//! not, and every filter would pay for hooks that do nothing.

use proc_macro::TokenStream;
use quote::quote;
use syn::{Error, FnArg, ImplItem, ImplItemFn, ItemImpl, Receiver, ReceiverKind, Result, spanned::Spanned};

const HOOKS: &str = "`on_request`, `on_response`";

/// Makes a type the component's filter. See the documentation of `weir-sdk`.
#[proc_macro_attribute]
pub fn filter(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let block = syn::parse_macro_input!(item as ItemImpl);
    if !arguments.is_empty() {
        return Error::new(block.span(), "#[weir::filter] takes no arguments").to_compile_error().into();
    }
    match exports(&block) {
        // A hook takes `&self` and may return a result whether it needs to or not: the contract says so.
        Ok(exports) => quote!(#[allow(clippy::unused_self, clippy::unnecessary_wraps)] #block #exports).into(),
        Err(error) => {
            let error = error.to_compile_error();
            quote!(#block #error).into()
        }
    }
}

fn exports(block: &ItemImpl) -> Result<proc_macro2::TokenStream> {
    if let Some((path, _)) = &block.trait_ {
        return Err(Error::new(
            path.span(),
            "#[weir::filter] goes on `impl YourFilter { ... }`, not on a trait's impl",
        ));
    }
    if !block.generics.params.is_empty() {
        return Err(Error::new(block.generics.span(), "a filter cannot be generic: one component is one filter"));
    }
    let filter = &block.self_ty;
    let mut configure = quote!(::weir::__private::unconfigured::<#filter>(&config));
    let mut hooks = proc_macro2::TokenStream::new();
    for item in &block.items {
        let ImplItem::Fn(method) = item else { continue };
        match method.sig.ident.to_string().as_str() {
            "configure" => {
                configure = match method.sig.inputs.len() {
                    1 => quote!(::weir::__private::configured(&config, <#filter>::configure)),
                    _ => {
                        return Err(Error::new(
                            method.sig.span(),
                            "`configure` takes the configuration: `fn configure(config: Config) -> Result<Self, Fault>`",
                        ));
                    }
                };
            }
            "on_request" => {
                let call = match parameters(method)? {
                    0 => quote!(filter.on_request()),
                    1 => quote!(filter.on_request(&mut ::weir::__private::request())),
                    _ => {
                        return Err(Error::new(
                            method.sig.span(),
                            "`on_request` takes `&self` and at most a `&Request` or `&mut Request`",
                        ));
                    }
                };
                hooks.extend(export(filter, &quote!(on_request), &call));
            }
            "on_response" => {
                let call = match parameters(method)? {
                    0 => quote!(filter.on_response()),
                    1 => quote!(filter.on_response(&mut ::weir::__private::response())),
                    2 => quote!(filter.on_response(&::weir::__private::request(), &mut ::weir::__private::response())),
                    _ => {
                        return Err(Error::new(
                            method.sig.span(),
                            "`on_response` takes `&self` and `&mut Response`, or `&Request` and `&mut Response`",
                        ));
                    }
                };
                hooks.extend(export(filter, &quote!(on_response), &call));
            }
            name if name.starts_with("on_") => {
                return Err(Error::new(
                    method.sig.ident.span(),
                    format!("there is no hook `{name}`; the hooks are {HOOKS}"),
                ));
            }
            _ => {}
        }
    }
    Ok(quote! {
        const _: () = {
            ::std::thread_local! {
                static FILTER: ::std::cell::OnceCell<#filter> = const { ::std::cell::OnceCell::new() };
            }
            struct Exports;
            impl ::weir::__private::configure::Guest for Exports {
                fn configure(config: ::std::string::String)
                    -> ::std::result::Result<(), ::std::vec::Vec<::weir::Fault>>
                {
                    ::weir::__private::install(&FILTER, || #configure)
                }
            }
            #[cfg(target_arch = "wasm32")]
            ::weir::__private::export_configure!(Exports with_types_in ::weir::__private::configure_world);
            // Elsewhere nothing is exported, but the filter is no dead code.
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(::std::string::String) -> ::std::result::Result<(), ::std::vec::Vec<::weir::Fault>> =
                <Exports as ::weir::__private::configure::Guest>::configure;
            #hooks
        };
    })
}

/// How many parameters beside `&self`.
fn parameters(method: &ImplItemFn) -> Result<usize> {
    match method.sig.inputs.first() {
        Some(FnArg::Receiver(Receiver { kind: ReceiverKind::Reference(_, _, None), .. })) => {
            Ok(method.sig.inputs.len() - 1)
        }
        _ => Err(Error::new(
            method.sig.span(),
            "a hook takes `&self`: instances are shared by many exchanges, \
            what belongs to one goes into its slot (`weir::exchange::set_slot`)",
        )),
    }
}

fn export(
    filter: &syn::Type,
    hook: &proc_macro2::TokenStream,
    call: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let hook_name = hook.to_string();
    let macro_name = quote::format_ident!("export_{hook_name}");
    let world = quote::format_ident!("{hook_name}_world");
    quote! {
        impl ::weir::__private::#hook::Guest for Exports {
            fn #hook() -> ::weir::__private::WireFlow {
                FILTER.with(|filter| {
                    let filter: &#filter = filter.get().expect("the host configures an instance first");
                    ::weir::__private::finish(#call)
                })
            }
        }
        #[cfg(target_arch = "wasm32")]
        ::weir::__private::#macro_name!(Exports with_types_in ::weir::__private::#world);
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> ::weir::__private::WireFlow = <Exports as ::weir::__private::#hook::Guest>::#hook;
    }
}
