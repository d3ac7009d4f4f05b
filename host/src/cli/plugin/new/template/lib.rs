//! Asks requests for a header, and tells clients how long answers take. Something to begin with: make it yours.

use weir::{Faults, Flow, Reply, Request, Response, Result, exchange, fields};

/// What operators write into `config`. These comments are what `weir plugin inspect` and editors show them; a key that is
/// not here is refused.
#[derive(Debug, serde::Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The header that every request must have.
    header: String,
    /// The values that it may have; any, if none stand here.
    #[serde(default)]
    values: Vec<String>,
    /// Whether clients are told in `server-timing` how many milliseconds their answer took.
    #[serde(default)]
    timing: bool,
}

/// The filter: made once of its configuration in each of its instances. What belongs to one exchange does not go here,
/// for the next hook may run in another instance; `exchange::set_state` keeps it.
struct RequireHeader(Config);

#[weir::filter]
impl RequireHeader {
    /// Refuses what cannot work, before anything serves: each fault is shown at its line of the operator's file.
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        fields::check_name(&mut faults, "/header", &config.header);
        faults.or(Self(config))
    }

    /// The request's head is there. An answer needs a reason, for logs and metrics; clients do not see it.
    fn on_request(&self, request: &Request) -> Result {
        let Config { header, values, .. } = &self.0;
        match request.header_str(header) {
            None => Reply::new(400).text(format!("The header {header} is missing.\n")).send("header-missing"),
            Some(value) if !values.is_empty() && !values.contains(&value) => {
                let message = format!("The header {header} must be one of: {}.\n", values.join(", "));
                Reply::new(400).text(message).detail(value).send("header-unknown")
            }
            Some(_) => Ok(Flow::Next),
        }
    }

    /// The response's head is there, whoever made it.
    fn on_response(&self, response: &mut Response) -> Result<()> {
        if self.0.timing {
            let milliseconds = exchange::elapsed().as_millis();
            response.append_header("server-timing", format!("total;dur={milliseconds}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
