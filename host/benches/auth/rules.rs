//! `authz` with many rules.

use crate::Site;
use crate::lane::{Asked, Meets};
use crate::report::{Report, row};

const RULES: usize = 1_000;

pub(crate) async fn measure(site: &Site, report: &mut Report) {
    let rules: Vec<String> = (0..RULES)
        .map(|number| {
            let (path, role) = (format!("/team-{}/service-{number}/*", number / 10), format!("role-{}", number % 50));
            format!("{{ roles: [{role}], methods: [GET, POST], paths: [\"{path}\"] }}")
        })
        .collect();
    let entry = format!("{{ plugin: authz, config: {{ rules: [{}] }} }}", rules.join(", "));
    let asked = |role: usize| {
        let asked = move |number: usize| {
            Asked::get(&format!("/team-{}/service-{number}/a/b?c=d", number / 10))
                .variable("user.id", "ada")
                .variable("auth.role", &format!("role-{}", (number + role) % 50))
        };
        (0..RULES).map(|number| asked(number * 619 % RULES)).collect::<Vec<_>>()
    };
    let elsewhere = (0..RULES)
        .map(|number| Asked::get(&format!("/none-{number}/service-{number}/a/b?c=d")).variable("auth.role", "role-1"));
    let kinds = [
        ("allowed", asked(0), Meets::Upstream),
        ("another role", asked(1), Meets::Refusal(403, "no-rule")),
        ("no rule", elsewhere.collect(), Meets::Refusal(403, "no-rule")),
    ];
    for (name, asked, meets) in kinds {
        let cost = site.cost(&entry, asked, meets).await;
        row(&format!("authz with 1,000 rules, {name}"), cost);
        report.bar(&format!("authz with 1,000 rules, {name} <= 3 us"), cost / 1e3, 3.0, " us");
    }
}
