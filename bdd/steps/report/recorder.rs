//! From cucumber's events, in order, to a report.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use cucumber::{Event, Writer, cli, event, gherkin, parser};

use super::{Feature, Report, Scenario, Status, Step, key};
use crate::world::World;

/// Collects a report.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    report: Arc<Mutex<Report>>,
    scenario_began: SystemTime,
    step_began: SystemTime,
}

impl Default for Recorder {
    fn default() -> Self {
        let long_ago = SystemTime::UNIX_EPOCH;
        Self { report: Arc::default(), scenario_began: long_ago, step_began: long_ago }
    }
}

impl Recorder {
    /// What it has collected, now and later.
    pub(crate) fn report(&self) -> Arc<Mutex<Report>> {
        Arc::clone(&self.report)
    }

    fn scenario(
        &mut self,
        feature: &gherkin::Feature,
        scenario: &gherkin::Scenario,
        event: event::Scenario<World>,
        at: SystemTime,
    ) {
        let report = Arc::clone(&self.report);
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(features) = report.features.last_mut() else {
            return;
        };
        if matches!(event, event::Scenario::Started) {
            self.scenario_began = at;
            features.scenarios.push(Scenario {
                name: scenario.name.clone(),
                key: key(feature, scenario),
                ..Scenario::default()
            });
        }
        let Some(recorded) = features.scenarios.last_mut() else {
            return;
        };
        match event {
            event::Scenario::Background(step, event) | event::Scenario::Step(step, event) => {
                if matches!(event, event::Step::Started) {
                    self.step_began = at;
                }
                if let Some(status) = status(event) {
                    let took = at.duration_since(self.step_began).unwrap_or_default();
                    recorded.steps.push(Step { text: text(&step), status, took });
                }
            }
            event::Scenario::Hook(which, event::Hook::Failed(_, info)) => {
                let text = format!("the {which} hook");
                let status = Status::Failed(panic_text(&*info));
                recorded.steps.push(Step { text, status, took: std::time::Duration::ZERO });
            }
            event::Scenario::Finished => {
                recorded.took = at.duration_since(self.scenario_began).unwrap_or_default();
                let background = feature.background.iter().flat_map(|one| &one.steps);
                let all = background.chain(&scenario.steps);
                let left = all.skip(recorded.steps.len()).map(|step| Step {
                    text: text(step),
                    status: Status::NotRun,
                    took: std::time::Duration::ZERO,
                });
                let left: Vec<_> = left.collect();
                recorded.steps.extend(left);
            }
            _ => {}
        }
    }
}

fn text(step: &gherkin::Step) -> String {
    format!("{}{}", step.keyword, step.value)
}

fn status(event: event::Step<World>) -> Option<Status> {
    match event {
        event::Step::Started => None,
        event::Step::Passed(..) => Some(Status::Passed),
        event::Step::Skipped => Some(Status::Failed("no such step".to_owned())),
        event::Step::Failed(_, _, _, event::StepError::Panic(info)) => {
            Some(Status::Failed(panic_text(&*info)))
        }
        event::Step::Failed(_, _, _, error) => Some(Status::Failed(error.to_string())),
    }
}

fn panic_text(info: &(dyn std::any::Any + Send)) -> String {
    let text = info.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| info.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

impl Writer<World> for Recorder {
    type Cli = cli::Empty;

    async fn handle_event(
        &mut self,
        event: parser::Result<Event<event::Cucumber<World>>>,
        _: &cli::Empty,
    ) {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
                report.errors.push(error.to_string());
                return;
            }
        };
        let at = event.at;
        let event::Cucumber::Feature(feature, event) = event.into_inner() else {
            return;
        };
        match event {
            event::Feature::Started => {
                let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
                report.features.push(Feature {
                    name: feature.name.clone(),
                    description: feature.description.clone().unwrap_or_default(),
                    scenarios: Vec::new(),
                });
            }
            event::Feature::Scenario(scenario, event)
            | event::Feature::Rule(_, event::Rule::Scenario(scenario, event)) => {
                self.scenario(&feature, &scenario, event.event, at);
            }
            event::Feature::Rule(..) | event::Feature::Finished => {}
        }
    }
}

impl cucumber::writer::NonTransforming for Recorder {}
