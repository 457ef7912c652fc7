//! The text of the page.

use std::fmt::Write as _;

use ocelli_kernels::{Catalog, Family, FilterDefinition, ParameterKind, PixelFormat};

use crate::examples;

const HEAD: &str = "\
# Filters

<!-- Made from the definitions in kernels/src: `make docs` writes this page. -->

All filters with their parameters. `ocelli filters show ID` and
[`GET /api/v1/filters`](http.md#get-apiv1filters) describe the filters of a running system.

- A parameter that is left out has its default. Numbers in a list are separated by spaces or
  semicolons: `regions=10 20 64 48`.
- Filters work on the formats GRAY8, RGB8, RGBA8 and NV12. BGR8 and I420 frames are converted when
  they arrive, and planar frames before a filter that does not accept them.
- Transparency (the A of RGBA) is kept, unless a filter says otherwise.
- The tolerance is the number of levels of 255 by which the results of the CPU and of a GPU may
  differ. All vector instruction sets of a CPU give the same bytes.
- Each picture shows a photograph (Eileen Collins, NASA, public domain) before and after the command
  below it.
";

pub(crate) fn text(catalog: &Catalog) -> String {
    let mut text = HEAD.to_owned();
    contents(&mut text, catalog);
    for family in Family::ALL {
        let mut filters = catalog.definitions().filter(|d| d.family == family).peekable();
        if filters.peek().is_some() {
            writeln!(text, "\n## {}", heading(family)).unwrap();
        }
        for definition in filters {
            filter(&mut text, definition);
        }
    }
    text
}

fn heading(family: Family) -> &'static str {
    match family {
        Family::Colour => "Colour",
        Family::Blur => "Blur",
        Family::Edges => "Edges",
        Family::Sharpen => "Sharpen",
        Family::Morphology => "Morphology",
        Family::Geometry => "Geometry",
        Family::Effect => "Effects",
        Family::Privacy => "Privacy and drawing",
        Family::Tensor => "Tensors and analysis",
    }
}

fn contents(text: &mut String, catalog: &Catalog) {
    text.push_str("\n| | |\n|---|---|\n");
    for family in Family::ALL {
        let filters = catalog.definitions().filter(|d| d.family == family);
        let links: Vec<String> = filters.map(|d| format!("[{0}](#{0})", d.id)).collect();
        if !links.is_empty() {
            writeln!(text, "| {} | {} |", heading(family), links.join(", ")).unwrap();
        }
    }
}

fn filter(text: &mut String, definition: &FilterDefinition) {
    let FilterDefinition { id, name, description, notes, .. } = definition;
    writeln!(text, "\n### {id}\n\n{name}. {}\n", cell(description)).unwrap();
    if definition.family != Family::Tensor {
        let command = examples::command(definition);
        writeln!(text, "![{name}, before and after](../pictures/filters/{id}.jpg)\n").unwrap();
        writeln!(text, "`--filter '{command}'`\n").unwrap();
    }
    if !definition.parameters.is_empty() {
        text.push_str("| parameter | allowed | default | |\n|---|---|---|---|\n");
        for parameter in definition.parameters {
            let default = match parameter.kind.default_text() {
                empty if empty.is_empty() => "none".to_owned(),
                long if long.len() > 60 => "see below".to_owned(),
                text => format!("`{text}`"),
            };
            let (id, allowed) = (parameter.id, allowed(&parameter.kind));
            writeln!(text, "| `{id}` | {allowed} | {default} | {} |", cell(parameter.description))
                .unwrap();
        }
        text.push('\n');
    }
    let formats: Vec<&str> = definition.formats.iter().map(|format| layout(*format)).collect();
    let processors = if definition.cuda { "CPU and CUDA" } else { "CPU" };
    let tolerance = match definition.tolerance {
        0 => "tolerance 0".to_owned(),
        levels => format!("tolerance {levels}"),
    };
    writeln!(text, "{}; {processors}; {tolerance}.", formats.join(", ")).unwrap();
    if !notes.is_empty() {
        writeln!(text, "\n{}", cell(notes)).unwrap();
    }
}

fn allowed(kind: &ParameterKind) -> String {
    let allowed = kind.allowed();
    match kind {
        ParameterKind::Select { .. } | ParameterKind::Boolean { .. } => {
            allowed.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
        }
        _ => allowed.join(" or "),
    }
}

fn layout(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Gray8 => "GRAY8",
        PixelFormat::Rgb8 => "RGB8",
        PixelFormat::Rgba8 => "RGBA8",
        PixelFormat::Nv12 => "NV12",
        PixelFormat::I420 => "I420",
    }
}

/// As the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}
