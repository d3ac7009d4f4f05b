//! `authz` with many rules.

use crate::common::lane::{Asked, Meets};
use crate::common::report::{Report, row};
use crate::common::site::Site;

const RULES: usize = 1_000;

pub(crate) async fn measure(site: &Site, report: &mut Report) {
    let place = |number: usize| format!("/team-{}/service-{number}", number / 10);
    let rules: Vec<String> = (0..RULES)
        .map(|number| match number % 10 {
            0 => format!("{{ paths: [\"{}/secret/*\"], deny: true }}", place(number + 1)),
            _ => format!("{{ roles: [role-{}], methods: [GET, POST], paths: [\"{}/*\"] }}", number % 50, place(number)),
        })
        .collect();
    let entry = format!("{{ plugin: authz, config: {{ rules: [{}] }} }}", rules.join(", "));
    // All over the rules, by somebody with this one's role or another.
    let ring = |path: &dyn Fn(usize) -> String, other: usize| {
        let numbers = (0..RULES).map(|number| number * 619 % RULES).filter(|number| number % 10 != 0);
        let asked = |number: usize| {
            let role = format!("role-{}", (number + other) % 50);
            Asked::get(&path(number)).variable("user.id", "ada").variable("auth.role", &role)
        };
        numbers.map(asked).collect::<Vec<_>>()
    };
    let below = |number: usize| format!("{}/a/b?c=d", place(number));
    let secret = |number: usize| format!("{}/secret/b?c=d", place(number / 10 * 10 + 1));
    let elsewhere = |number: usize| format!("/none-{number}/service/a/b?c=d");
    let kinds: [(&str, Vec<Asked>, Meets); 4] = [
        ("allowed", ring(&below, 0), Meets::Upstream),
        ("denied by one", ring(&secret, 0), Meets::Refusal(403, "denied")),
        ("not allowed to this role", ring(&below, 1), Meets::Refusal(403, "no-rule")),
        ("none of which is about it", ring(&elsewhere, 0), Meets::Refusal(403, "no-rule")),
    ];
    for (name, asked, meets) in kinds {
        let cost = site.cost(&entry, asked, meets).await;
        row(&format!("authz with 1,000 rules: {name}"), cost);
        report.bar(&format!("authz with 1,000 rules: {name} <= 3 us"), cost / 1e3, 3.0, " us");
    }
}
