//! One HTML page, for people.

use super::{Report, Scenario, Status, escape};

const STYLE: &str = "
  :root { color-scheme: light dark; }
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
  summary { cursor: pointer; padding: .15rem 0; }
  details { margin-left: 1rem; }
  li { list-style: none; }
  ul { margin: .2rem 0 .6rem; padding-left: 1.4rem; }
  .passed { color: #1a7f37; } .failed { color: #cf222e; } .not-run { color: #888; }
  .took { color: #888; font-size: .85em; }
  .note { background: #8882; border-radius: .3rem; padding: .1rem .4rem; }
  .auto { background: #bf870033; border-radius: .3rem; padding: 0 .4rem; }
  pre { white-space: pre-wrap; color: #cf222e; }
";

/// The report as a page.
pub(super) fn write(report: &Report) -> String {
    let all = report.scenarios().count();
    let passed = report.scenarios().filter(|scenario| scenario.passed()).count();
    let through_auto = report.scenarios().filter(|scenario| scenario.through_auto()).count();
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Ocelli: behaviour</title><style>{STYLE}</style>\n<h1>Behaviour</h1>\n\
         <p>{passed} of {all} scenarios passed.</p>\n"
    );
    if through_auto > 0 {
        html.push_str(&format!(
            "<p class=\"auto\">{through_auto} scenarios for a GPU ran on cpu through auto: no \
             worker had a CUDA device. They say nothing about CUDA.</p>\n"
        ));
    }
    for error in &report.errors {
        html.push_str(&format!("<pre>{}</pre>\n", escape(error)));
    }
    for feature in &report.features {
        let passed = feature.scenarios.iter().filter(|scenario| scenario.passed()).count();
        let (name, text) = (escape(&feature.name), escape(&feature.description));
        let count = feature.scenarios.len();
        html.push_str(&format!("<h2>{name} <small>{passed}/{count}</small></h2>\n<p>{text}</p>\n"));
        feature.scenarios.iter().for_each(|scenario| write_scenario(&mut html, scenario));
    }
    html.push_str("</html>\n");
    html
}

fn write_scenario(html: &mut String, scenario: &Scenario) {
    let (class, open) = if scenario.passed() { ("passed", "") } else { ("failed", " open") };
    let auto = if scenario.through_auto() {
        " <span class=\"auto\">ran on cpu through auto</span>"
    } else {
        ""
    };
    let (name, ms) = (escape(&scenario.name), scenario.took.as_millis());
    html.push_str(&format!(
        "<details{open}><summary><span class=\"{class}\">{class}</span> {name}{auto} \
         <span class=\"took\">{ms} ms</span></summary><ul>\n"
    ));
    for step in &scenario.steps {
        let (class, why) = match &step.status {
            Status::Passed => ("passed", None),
            Status::NotRun => ("not-run", None),
            Status::Failed(why) => ("failed", Some(escape(why))),
        };
        let (text, ms) = (escape(&step.text), step.took.as_millis());
        html.push_str(&format!(
            "<li class=\"{class}\">{text} <span class=\"took\">{ms} ms</span></li>\n"
        ));
        if let Some(why) = why {
            html.push_str(&format!("<pre>{why}</pre>\n"));
        }
    }
    for note in scenario.notes() {
        html.push_str(&format!("<li><span class=\"note\">{}</span></li>\n", escape(&note)));
    }
    html.push_str("</ul></details>\n");
}
