//! JUnit XML, as CI systems read it.

use super::{Report, Scenario, Status, escape};

/// The report as JUnit XML.
pub(super) fn write(report: &Report) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for feature in &report.features {
        let failures = feature.scenarios.iter().filter(|scenario| !scenario.passed()).count();
        let seconds: f64 = feature.scenarios.iter().map(|one| one.took.as_secs_f64()).sum();
        let (name, tests) = (escape(&feature.name), feature.scenarios.len());
        xml.push_str(&format!(
            "<testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" \
             skipped=\"0\" time=\"{seconds:.3}\">\n"
        ));
        feature.scenarios.iter().for_each(|scenario| test_case(&mut xml, &name, scenario));
        xml.push_str("</testsuite>\n");
    }
    if !report.errors.is_empty() {
        let count = report.errors.len();
        xml.push_str(&format!(
            "<testsuite name=\"feature files\" tests=\"{count}\" failures=\"0\" \
             errors=\"{count}\" skipped=\"0\" time=\"0\">\n"
        ));
        for error in &report.errors {
            let error = escape(error);
            xml.push_str(&format!(
                "<testcase name=\"reading\" classname=\"feature files\" time=\"0\">\
                 <error message=\"{error}\"/></testcase>\n"
            ));
        }
        xml.push_str("</testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn test_case(xml: &mut String, class: &str, scenario: &Scenario) {
    let (name, seconds) = (escape(&scenario.title()), scenario.took.as_secs_f64());
    xml.push_str(&format!(
        "<testcase name=\"{name}\" classname=\"{class}\" time=\"{seconds:.3}\">\n"
    ));
    let mut out = String::new();
    for step in &scenario.steps {
        let mark = match &step.status {
            Status::Passed => "passed",
            Status::NotRun => "not run",
            Status::Failed(why) => {
                let why = escape(why);
                xml.push_str(&format!("<failure message=\"{why}\">{why}</failure>\n"));
                "failed"
            }
        };
        let ms = step.took.as_secs_f64() * 1e3;
        out.push_str(&format!("{} ... {mark} ({ms:.1} ms)\n", step.text));
    }
    for note in scenario.notes() {
        out.push_str(&format!("note: {note}\n"));
    }
    xml.push_str(&format!("<system-out>{}</system-out>\n</testcase>\n", escape(&out)));
}
