//! `#[weir::filter]`: from the methods of an impl block to the hooks that a component exports.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Result, Type};

use crate::signature::{Argument, call, ordinary, parameters, wrong};

const HOOKS: [&str; 12] = [
    "configure",
    "on_request",
    "on_response",
    "on_request_body",
    "on_response_body",
    "on_resume",
    "on_request_chunk",
    "on_response_chunk",
    "observe_request_chunk",
    "observe_response_chunk",
    "on_complete",
    "on_tick",
];

/// The block as it stands, and what it exports.
pub(crate) fn expand(arguments: &TokenStream, block: &ItemImpl) -> TokenStream {
    let exports = if arguments.is_empty() {
        exports(block)
    } else {
        Err(Error::new(arguments.span(), "#[weir::filter] takes no arguments"))
    };
    // A hook takes `&self`, owns its bytes and may return a result whether it needs to or not: the contract says so.
    let allow = quote!(#[allow(clippy::unused_self, clippy::unnecessary_wraps, clippy::needless_pass_by_value)]);
    match exports {
        Ok(exports) => quote!(#allow #block #exports),
        Err(error) => {
            let error = error.to_compile_error();
            quote!(#allow #block #error)
        }
    }
}

/// The hooks that an impl block has.
#[derive(Default)]
struct Found {
    /// The type that `configure` takes.
    config: Option<Type>,
    configure: Option<TokenStream>,
    request_body: Option<TokenStream>,
    response_body: Option<TokenStream>,
    resume: Option<TokenStream>,
    /// The others: their names, and the methods of the `Filter` trait that call them.
    names: Vec<Ident>,
    methods: TokenStream,
    /// Those of them that can pause: their names and calls.
    steering: Vec<(Ident, TokenStream)>,
}

fn exports(block: &ItemImpl) -> Result<TokenStream> {
    if let Some((path, _)) = &block.trait_ {
        return Err(Error::new(
            path.span(),
            "#[weir::filter] goes on `impl YourFilter { ... }`, not on a trait's impl",
        ));
    }
    if !block.generics.params.is_empty() {
        return Err(Error::new(block.generics.span(), "a filter cannot be generic: one component is one filter"));
    }
    let mut found = Found::default();
    let mut faults: Option<Error> = None;
    for item in &block.items {
        let ImplItem::Fn(method) = item else { continue };
        if let Err(fault) = found.method(method) {
            match &mut faults {
                Some(faults) => faults.combine(fault),
                None => faults = Some(fault),
            }
        }
    }
    match faults {
        Some(faults) => Err(faults),
        None => Ok(found.expand(&block.self_ty)),
    }
}

impl Found {
    fn method(&mut self, method: &ImplItemFn) -> Result<()> {
        use Argument::{Body, Completion, Request, RequestMut, ResponseMut, Resumed};
        let hook = &method.sig.ident;
        match hook.to_string().as_str() {
            "configure" => return self.configure(method),
            "on_request" => {
                let call = call(method, &[&[], &[RequestMut]], "at most a `&Request` or `&mut Request`")?;
                self.steering.push((hook.clone(), call));
            }
            "on_response" => {
                let forms: [&[Argument]; 3] = [&[], &[ResponseMut], &[Request, ResponseMut]];
                let call = call(method, &forms, "a `&mut Response`, or a `&Request` and a `&mut Response`")?;
                self.steering.push((hook.clone(), call));
            }
            "on_request_body" => {
                self.request_body = Some(call(method, &[&[RequestMut, Body]], "a `&mut Request` and a `&mut Body`")?);
            }
            "on_response_body" => {
                let forms: [&[Argument]; 2] = [&[ResponseMut, Body], &[Request, ResponseMut, Body]];
                let words = "a `&mut Response` and a `&mut Body`, with a `&Request` before them if it is needed";
                self.response_body = Some(call(method, &forms, words)?);
            }
            "on_resume" => self.resume = Some(call(method, &[&[], &[Resumed]], "at most a `&mut Resumed`")?),
            "on_request_chunk" | "on_response_chunk" => self.chunk(
                method,
                &quote!(::weir::__private::Rewritten::rewritten),
                &quote!(::weir::Result<::std::result::Result<::std::vec::Vec<u8>, ::weir::Refuse>>),
            )?,
            "observe_request_chunk" | "observe_response_chunk" => {
                self.chunk(method, &quote!(::weir::__private::Done::done), &quote!(::weir::Result<()>))?;
            }
            "on_complete" => {
                let forms: [&[Argument]; 3] = [&[], &[Completion], &[Request, Completion]];
                let call = call(method, &forms, "at most a `&Completion`, or a `&Request` and a `&Completion`")?;
                self.plain(hook, &call);
            }
            "on_tick" => self.plain(hook, &call(method, &[&[]], "nothing more")?),
            name if name.starts_with("on_") || name.starts_with("observe_") => {
                let hooks = HOOKS.map(|hook| format!("`{hook}`")).join(", ");
                return Err(Error::new(
                    hook.span(),
                    format!(
                        "there is no hook `{name}`; the hooks are {hooks}. What is no hook goes into another impl block"
                    ),
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn configure(&mut self, method: &ImplItemFn) -> Result<()> {
        ordinary(method)?;
        let mut inputs = method.sig.inputs.iter();
        match (inputs.next(), inputs.next()) {
            (None, _) => {
                self.configure = Some(quote!(::weir::__private::unconfigured(json, Self::configure)));
                Ok(())
            }
            (Some(FnArg::Typed(config)), None) => {
                self.config = Some((*config.ty).clone());
                self.configure = Some(quote!(::weir::__private::configured(json, Self::configure)));
                Ok(())
            }
            _ => Err(Error::new(
                method.sig.span(),
                "`configure` takes the configuration or nothing: `fn configure(config: Config) -> Result<Self, Fault>`",
            )),
        }
    }

    fn chunk(&mut self, method: &ImplItemFn, ended: &TokenStream, returned: &TokenStream) -> Result<()> {
        let form = "the bytes and whether they are the last: `bytes: Vec<u8>, end: bool`";
        let parameters = parameters(method)?;
        let [bytes, end] = parameters.as_slice() else { return Err(wrong(method, form)) };
        let hook = &method.sig.ident;
        let (bytes, end) = (quote_spanned!(bytes.span()=> bytes), quote_spanned!(end.span()=> end));
        self.names.push(hook.clone());
        self.methods.extend(quote! {
            fn #hook(&self, bytes: ::std::vec::Vec<u8>, end: bool) -> #returned {
                #ended(Self::#hook(self, #bytes, #end))
            }
        });
        Ok(())
    }

    /// A hook that steers nothing.
    fn plain(&mut self, hook: &Ident, call: &TokenStream) {
        self.names.push(hook.clone());
        self.methods.extend(quote! {
            fn #hook(&self) -> ::weir::Result<()> {
                ::weir::__private::Done::done(#call)
            }
        });
    }

    fn expand(mut self, filter: &Type) -> TokenStream {
        for (hook, call) in std::mem::take(&mut self.steering) {
            self.names.push(hook.clone());
            self.methods.extend(quote! {
                fn #hook(&self) -> ::weir::Result {
                    ::weir::__private::Outcome::outcome(#call)
                }
            });
        }
        if self.request_body.is_some() || self.response_body.is_some() || self.resume.is_some() {
            let method = self.on_resume();
            self.names.push(Ident::new("on_resume", Span::call_site()));
            self.methods.extend(method);
        }
        let Self { config, configure, names, methods, .. } = self;
        let configure = configure.unwrap_or_else(|| {
            quote!(::weir::__private::unconfigured(json, || {
                ::std::result::Result::<Self, ::weir::Fault>::Ok(<Self as ::std::default::Default>::default())
            }))
        });
        let hooks = names.iter().map(ToString::to_string);
        let component = component(filter, &names);
        let sections = sections(config.as_ref());
        quote! {
            impl ::weir::__private::Filter for #filter {
                const HOOKS: &'static [&'static str] = &[#(#hooks),*];

                fn configure(json: &str) -> ::std::result::Result<Self, ::weir::Faults> {
                    #configure
                }

                #methods
            }
            #component
            #sections
            // Elsewhere nothing is exported, but the filter is no dead code.
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(&str) -> ::std::result::Result<#filter, ::weir::Faults> =
                <#filter as ::weir::__private::Filter>::configure;
        }
    }

    fn on_resume(&self) -> TokenStream {
        let (has_request, has_response) = (self.request_body.is_some(), self.response_body.is_some());
        let nobody = quote!(::weir::__private::Next::nobody());
        let ended = |call: &Option<TokenStream>| match call {
            Some(call) => quote!(::weir::__private::Outcome::outcome(#call)),
            None => nobody.clone(),
        };
        let (request, response, other) = (ended(&self.request_body), ended(&self.response_body), ended(&self.resume));
        quote! {
            fn on_resume(&self) -> ::weir::Result {
                match ::weir::__private::Resumes::new(#has_request, #has_response).next() {
                    ::weir::__private::Next::RequestBody => #request,
                    ::weir::__private::Next::ResponseBody => #response,
                    #[allow(unused_variables, unused_mut)]
                    ::weir::__private::Next::Other(mut resumed) => #other,
                }
            }
        }
    }
}

/// What the core module exports.
fn component(filter: &Type, hooks: &[Ident]) -> TokenStream {
    let exports = hooks.iter().map(|hook| {
        let export = format_ident!("export_{hook}");
        let body = match hook.to_string().as_str() {
            "on_request" | "on_response" | "on_resume" => quote! {
                fn #hook() -> ::weir::__private::WireFlow {
                    ::weir::__private::flow(::weir::__private::run(&FILTER, <#filter as ::weir::__private::Filter>::#hook))
                }
            },
            "on_request_chunk" | "on_response_chunk" => quote! {
                fn #hook(bytes: ::std::vec::Vec<u8>, end: bool)
                    -> ::std::result::Result<::std::vec::Vec<u8>, ::weir::__private::Reason>
                {
                    ::weir::__private::run(&FILTER, |filter| {
                        <#filter as ::weir::__private::Filter>::#hook(filter, bytes, end)
                    })
                    .map_err(::weir::__private::reason)
                }
            },
            "on_complete" | "on_tick" => quote! {
                fn #hook() {
                    ::weir::__private::run(&FILTER, <#filter as ::weir::__private::Filter>::#hook)
                }
            },
            _ => quote! {
                fn #hook(bytes: ::std::vec::Vec<u8>, end: bool) {
                    ::weir::__private::run(&FILTER, |filter| {
                        <#filter as ::weir::__private::Filter>::#hook(filter, bytes, end)
                    })
                }
            },
        };
        quote! {
            impl ::weir::__private::bindings::#hook::exports::weir::filter::#hook::Guest for Exports {
                #body
            }
            ::weir::__private::bindings::#hook::#export!(Exports with_types_in ::weir::__private::bindings::#hook);
        }
    });
    quote! {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            ::std::thread_local! {
                static FILTER: ::std::cell::OnceCell<#filter> = const { ::std::cell::OnceCell::new() };
            }
            struct Exports;
            impl ::weir::__private::bindings::configure::exports::weir::filter::configure::Guest for Exports {
                fn configure(config: ::std::string::String)
                    -> ::std::result::Result<(), ::std::vec::Vec<::weir::Fault>>
                {
                    ::weir::__private::install(&FILTER, &config)
                }
            }
            ::weir::__private::bindings::configure::export_configure!(
                Exports with_types_in ::weir::__private::bindings::configure
            );
            #(#exports)*
        };
    }
}

/// What the component says of itself: its package, and the schema of its configuration.
fn sections(config: Option<&Type>) -> TokenStream {
    let schema = match config {
        Some(config) => quote_spanned!(config.span()=> <#config as ::weir::schema::Schema>::SCHEMA),
        None => quote!(&::weir::schema::Node::Object { properties: &[], closed: true }),
    };
    // Not `#[used]`: the compiler would put the texts into the instance's memory, too.
    quote! {
        const _: &::weir::schema::Node = #schema;
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, long_running_const_eval)]
        const _: () = {
            const NODE: &::weir::schema::Node = #schema;
            const NAME: &str = ::std::env!("CARGO_PKG_NAME");
            const VERSION: &str = ::std::env!("CARGO_PKG_VERSION");
            const DESCRIPTION: &str = ::std::env!("CARGO_PKG_DESCRIPTION");
            #[unsafe(link_section = "weir:schema")]
            static SCHEMA: [u8; ::weir::schema::length(NODE)] = ::weir::schema::render(NODE);
            #[unsafe(link_section = "weir:package")]
            static PACKAGE: [u8; ::weir::schema::package_length(NAME, VERSION, DESCRIPTION)] =
                ::weir::schema::package(NAME, VERSION, DESCRIPTION);
        };
    }
}
