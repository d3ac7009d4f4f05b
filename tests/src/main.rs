//! The `weir` command, built beside the tests so that they always run the code that they test.

fn main() -> std::process::ExitCode {
    weir_host::cli::main()
}
