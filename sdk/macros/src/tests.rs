//! What authors are told who wrote something that no macro can make sense of.

use proc_macro2::TokenStream;
use quote::quote;

/// The messages in an expansion.
fn errors(expansion: &TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(expansion.clone()).expect("what is made is Rust");
    file.items
        .into_iter()
        .filter_map(|item| match item {
            syn::Item::Macro(item) if item.mac.path.segments.last()?.ident == "compile_error" => {
                Some(item.mac.parse_body::<syn::LitStr>().expect("a message is a text").value())
            }
            _ => None,
        })
        .collect()
}

fn filter(methods: &TokenStream) -> Vec<String> {
    let block = syn::parse2(quote!(impl Example { #methods })).expect("it is an impl block");
    errors(&crate::filter::expand(&TokenStream::new(), &block))
}

#[test]
fn every_hook_is_found() {
    let methods = quote! {
        fn configure(config: Config) -> Result<Self, Fault> {}
        fn on_request(&self, request: &mut Request) {}
        fn on_response(&self, request: &Request, response: &mut Response) {}
        fn on_request_body(&self, request: &mut Request, body: &mut Body) {}
        fn on_resume(&self, resumed: &mut Resumed) {}
        fn on_request_chunk(&self, bytes: Vec<u8>, end: bool) -> Vec<u8> {}
        fn on_response_chunk(&self, bytes: Vec<u8>, end: bool) -> Vec<u8> {}
        fn observe_request_chunk(&self, bytes: Vec<u8>, end: bool) {}
        fn observe_response_chunk(&self, bytes: Vec<u8>, end: bool) {}
        fn on_complete(&self, completion: &Completion) {}
        fn on_tick(&self) {}
        fn something_of_its_own(&mut self) {}
    };
    assert_eq!(filter(&methods), [""; 0]);
    let block = syn::parse2(quote!(impl Example { #methods })).unwrap();
    let expansion = crate::filter::expand(&TokenStream::new(), &block).to_string();
    for hook in [
        "configure",
        "on_request",
        "on_response",
        "on_resume",
        "on_request_chunk",
        "on_response_chunk",
        "observe_request_chunk",
        "observe_response_chunk",
        "on_complete",
        "on_tick",
    ] {
        assert!(expansion.contains(&format!("export_{hook} !")), "{hook} is not exported");
    }
}

#[test]
fn only_hooks_that_are_there_are_exported() {
    let block = syn::parse2(quote!(impl Example { fn on_response_body(&self, r: &mut Response, b: &mut Body) {} }));
    let expansion = crate::filter::expand(&TokenStream::new(), &block.unwrap()).to_string();
    let exports: Vec<_> = expansion.split_whitespace().filter(|word| word.starts_with("export_")).collect();
    assert_eq!(exports, ["export_configure", "export_on_resume"]);
}

#[test]
fn a_hook_that_does_not_exist_is_named_with_those_that_do() {
    let [error] = filter(&quote!(
        fn on_requests(&self) {}
    ))
    .try_into()
    .unwrap();
    assert!(error.starts_with("there is no hook `on_requests`; the hooks are `configure`, `on_request`, "), "{error}");
    let [error] = filter(&quote!(
        fn observe_chunk(&self) {}
    ))
    .try_into()
    .unwrap();
    assert!(error.starts_with("there is no hook `observe_chunk`"), "{error}");
}

#[test]
fn every_wrong_signature_is_told_at_once() {
    let errors = filter(&quote! {
        fn configure(&self, config: Config) {}
        fn on_request(&mut self) {}
        fn on_response(&self, a: &Request, b: &mut Response, c: &mut Body) {}
        async fn on_complete(&self) {}
        fn on_request_body(&self, request: Request, body: &mut Body) {}
        fn on_request_chunk(&self, bytes: Vec<u8>) {}
        fn on_tick(&self, now: &u64) {}
        fn on_resume<T>(&self) {}
    });
    let beginnings = [
        "`configure` takes the configuration or nothing",
        "a hook takes `&self`",
        "beside `&self` `on_response` takes a `&mut Response`, or a `&Request` and a `&mut Response`",
        "`on_complete` is not async",
        "a hook borrows what belongs to the exchange: beside `&self` `on_request_body` takes a `&mut Request` and a `&mut Body`",
        "beside `&self` `on_request_chunk` takes the bytes and whether they are the last",
        "beside `&self` `on_tick` takes nothing more",
        "`on_resume` cannot be generic",
    ];
    assert_eq!(errors.len(), beginnings.len(), "{errors:#?}");
    for (error, beginning) in errors.iter().zip(beginnings) {
        assert!(error.starts_with(beginning), "{error}");
    }
}

#[test]
fn a_block_that_is_no_filter() {
    let told = |block: TokenStream| {
        errors(&crate::filter::expand(&TokenStream::new(), &syn::parse2(block).unwrap())).remove(0)
    };
    assert!(told(quote!(impl Clone for Example {})).contains("not on a trait's impl"));
    assert!(
        told(quote!(
            impl<T> Example<T> {}
        ))
        .contains("a filter cannot be generic")
    );
    let block = syn::parse2(quote!(impl Example {})).unwrap();
    assert_eq!(errors(&crate::filter::expand(&quote!(fast), &block)), ["#[weir::filter] takes no arguments"]);
}

#[test]
fn a_schema_never_says_something_else_than_what_is_read() {
    for (item, message) in [
        ("struct A { #[serde(flatten)] all: B }", "does not understand `#[serde(flatten)]`"),
        ("struct A { #[serde(alias = \"b\")] a: B }", "does not understand `#[serde(alias)]`"),
        ("enum A { #[serde(other)] Rest }", "does not understand `#[serde(other)]`"),
        ("struct A { #[serde(with = \"m\")] a: B }", "name a type that looks the same: `#[weir(like = String)]`"),
        ("struct A { #[weir(default = 1)] a: u8 }", "serde has no default for this field"),
        ("struct A { #[serde(default)] #[weir(default = f())] a: u8 }", "a default is a text, a number"),
        ("struct A { #[weir(minimum = 1)] a: u8 }", "there is `#[weir(default = ...)]` and `#[weir(like = ...)]`"),
        ("#[serde(rename_all = \"Title Case\")] struct A { a: u8 }", "serde has no such rule"),
        ("struct A(u8, u8);", "fields with names"),
        ("enum A { Pair(u8, u8) }", "give the fields names"),
        ("struct A<T> { a: T }", "cannot be generic"),
        ("union A { a: u8 }", "a union is no configuration"),
    ] {
        let [error] = errors(&crate::config::expand(&syn::parse_str(item).unwrap())).try_into().unwrap();
        assert!(error.contains(message), "{error}");
    }
}
