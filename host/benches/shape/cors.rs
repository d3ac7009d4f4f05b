//! `cors`: requests with an origin, without one, and preflights.

use http::Method;

use crate::common::lane::{Asked, Meets};
use crate::common::report::{Report, row};
use crate::common::site::Site;
use crate::times;

const APP: &str = "https://app.example";

pub(crate) async fn measure(site: &Site, report: &mut Report) {
    let exact = "{ origins: [https://admin.example, https://app.example, https://www.example], methods: [GET, PUT] }";
    let one = times(1, "cors", exact);
    let from = |origin: &str| vec![Asked::get("/bench").with("origin", origin)];
    let allowed = site.cost(&one, from(APP), Meets::Upstream).await;
    row("cors: an allowed origin", allowed);
    report.bar("cors: an allowed origin <= 1.2 us", allowed / 1e3, 1.2, " us");
    let planted = site.cost(&times(4, "cors", exact), from(APP), Meets::Upstream).await;
    report.control("cors: four of it", planted / 1e3, 1.2, " us");

    row("cors: no origin", site.cost(&one, vec![Asked::get("/bench")], Meets::Upstream).await);
    row("cors: an origin that is not allowed", site.cost(&one, from("https://evil.example"), Meets::Upstream).await);
    let credentials = "{ origins: [https://app.example], credentials: true, expose: [x-total-count, etag] }";
    let cost = site.cost(&times(1, "cors", credentials), from(APP), Meets::Upstream).await;
    row("cors: an allowed origin with credentials and readable headers", cost);
    let wildcard = times(1, "cors", "{ origins: [\"https://*.example\"] }");
    row("cors: an origin that fits a wildcard", site.cost(&wildcard, from(APP), Meets::Upstream).await);
    let regex = times(1, "cors", "{ origins: [{ regex: '(https://)(app|pr-[0-9]+)\\.example' }] }");
    row("cors: an origin that fits an expression", site.cost(&regex, from(APP), Meets::Upstream).await);
    let any = times(1, "cors", "{ origins: [\"*\"] }");
    row("cors: any origin", site.cost(&any, from(APP), Meets::Upstream).await);

    let preflight = Asked::get("/bench")
        .method(Method::OPTIONS)
        .with("origin", APP)
        .with("access-control-request-method", "PUT")
        .with("access-control-request-headers", "content-type");
    row("cors: a preflight", site.cost(&one, vec![preflight], Meets::Refusal(204, "preflight")).await);
}
