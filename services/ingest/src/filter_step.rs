//! The text of one filter: `blur` or `blur:kernel_size=7,sigma=2`.

use std::collections::BTreeMap;

use ocelli_messages::{Failure, v1};

/// Reads a filter's text; `index` is its place among the filters of the request.
///
/// Which filters and parameters there are, the workers know.
///
/// # Errors
/// `invalid_argument` if it has another form.
pub(crate) fn parse(text: &str, index: usize) -> Result<v1::Step, Failure> {
    let wrong = |why: String| {
        let given: String = text.chars().take(80).collect();
        Failure::invalid(format!("filter[{index}]"), format!("{given:?}: {why}"))
            .allow(["id", "id:key=value,key=value"])
    };
    let (id, list) = text.split_once(':').map_or((text, None), |(id, list)| (id, Some(list)));
    if id.is_empty() {
        return Err(wrong("the filter's id is missing".into()));
    }
    let mut parameters = BTreeMap::new();
    for pair in list.into_iter().flat_map(|list| list.split(',')) {
        let (key, value) = pair
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| wrong(format!("{pair:?} must have the form key=value")))?;
        if parameters.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(wrong(format!("{key:?} is given twice")));
        }
    }
    let filter = v1::FilterStep { id: id.to_owned(), parameters };
    Ok(v1::Step { kind: Some(v1::step::Kind::Filter(filter)) })
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;

    fn step(id: &str, parameters: &[(&str, &str)]) -> v1::Step {
        let parameters =
            parameters.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let filter = v1::FilterStep { id: id.into(), parameters };
        v1::Step { kind: Some(v1::step::Kind::Filter(filter)) }
    }

    #[test]
    fn an_id_with_and_without_parameters() {
        for (text, expected) in [
            ("blur", step("blur", &[])),
            ("blur:kernel_size=7", step("blur", &[("kernel_size", "7")])),
            ("f:a=1,b=,c=x=y:z", step("f", &[("a", "1"), ("b", ""), ("c", "x=y:z")])),
        ] {
            assert_eq!(parse(text, 0).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn every_other_form_is_refused_with_the_right_ones() {
        for text in ["", ":", ":a=1", "blur:", "blur:sigma", "blur:=1", "f:a=1,", "f:a=1,a=2"] {
            let failure = parse(text, 3).unwrap_err();
            assert_eq!(failure.field, "filter[3]", "{text}");
            assert_eq!(failure.allowed, ["id", "id:key=value,key=value"]);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            id in "[^:]{1,9}",
            parameters in collection::btree_map("[^=,]{1,9}", "[^,]{0,9}", 0..5),
        ) {
            let list: Vec<_> = parameters.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let text = if list.is_empty() { id.clone() } else { format!("{id}:{}", list.join(",")) };
            let filter = v1::FilterStep { id, parameters };
            let expected = v1::Step { kind: Some(v1::step::Kind::Filter(filter)) };
            prop_assert_eq!(parse(&text, 0).unwrap(), expected);
        }
    }
}
