//! Proves whatever the client says: sets the variables that stand in its `x-var` fields, each as `name=value`.

use weir::{Request, Result, exchange};

#[derive(Default)]
struct Identity;

#[weir::filter]
impl Identity {
    fn on_request(&self, request: &mut Request) -> Result<()> {
        for line in request.header_values("x-var") {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some((name, value)) = line.split_once('=') {
                exchange::set_var(name, value)?;
            }
        }
        request.remove_header("x-var")?;
        Ok(())
    }
}
