//! Configurations keep to the published schema (`static/quartermeg.schema.json`).

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{checkpoint, export, place, text};

/// Words of the schema that say nothing about a value.
const DESCRIPTIVE: [&str; 5] = ["$schema", "$defs", "title", "description", "default"];

/// What is wrong with a value under a schema, by its place; nothing where it keeps to it. Knows
/// the words that the schema uses and no others, which are errors, too.
fn wrong(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        return;
    };
    for (word, said) in schema {
        let mut fails = |reason: String| found.push(format!("{at}: {reason}"));
        match word.as_str() {
            "$ref" => {
                let pointer = said.as_str().and_then(|path| path.strip_prefix('#'));
                let target = pointer.and_then(|pointer| root.pointer(pointer));
                wrong(root, target.expect("a definition"), value, at, found);
            }
            "type" => {
                let types = said
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![said.clone()]);
                if !types
                    .iter()
                    .any(|name| is_of_type(value, name.as_str().expect("a name")))
                {
                    fails(format!("{value} is not {said}"));
                }
            }
            "format" => {
                let fits = match said.as_str() {
                    Some("uint32") => value.as_u64().is_some_and(|it| u32::try_from(it).is_ok()),
                    Some("uint64") => value.is_u64(),
                    Some("float") => value.is_number(),
                    _ => panic!("{at}: format {said}"),
                };
                if !fits {
                    fails(format!("{value} is no {said}"));
                }
            }
            "minimum" => {
                if value.as_f64() < said.as_f64() {
                    fails(format!("{value} is less than {said}"));
                }
            }
            "required" => {
                for name in said.as_array().expect("a list") {
                    if value.get(name.as_str().expect("a name")).is_none() {
                        fails(format!("{name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, schema) in said.as_object().expect("an object") {
                    if let Some(value) = value.get(name) {
                        wrong(root, schema, value, &format!("{at}/{name}"), found);
                    }
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    wrong(root, said, value, &format!("{at}/{index}"), found);
                }
            }
            "anyOf" => {
                let fits = said.as_array().expect("a list").iter().any(|schema| {
                    let mut inside = Vec::new();
                    wrong(root, schema, value, at, &mut inside);
                    inside.is_empty()
                });
                if !fits {
                    fails(format!("{value} is none of {said}"));
                }
            }
            word => assert!(DESCRIPTIVE.contains(&word), "{at}: the word {word}"),
        }
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        name => panic!("type {name}"),
    }
}

fn faults(value: &Value) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/quartermeg.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(path).expect("published")).expect("JSON");
    let mut found = Vec::new();
    wrong(&schema, &schema, value, "", &mut found);
    found
}

#[test]
fn an_exported_configuration_keeps_to_the_schema() {
    let weights = checkpoint("schema.safetensors", "1");
    let folder = place("schema");
    export(&folder, &["--as", "json", "--weights", text(&weights)]);
    let file = fs::read(folder.join("quartermeg.json")).expect("a file");
    let mut configuration: Value = serde_json::from_slice(&file).expect("JSON");
    assert_eq!(faults(&configuration), [""; 0]);
    assert!(configuration["trained"]["parameters"].is_string());

    // The schema says something: each of these breaks it.
    for (pointer, value) in [
        ("/version", serde_json::json!("1")),
        ("/policy/0/bias", serde_json::json!(0)),
        ("/training/seed", serde_json::json!(-1)),
        ("/device/budget_bytes", serde_json::json!(4_294_967_296_u64)),
        ("/trained", serde_json::json!({ "steps": 1 })),
    ] {
        let place = configuration.pointer_mut(pointer).expect("a field");
        let before = std::mem::replace(place, value);
        assert!(!faults(&configuration).is_empty(), "{pointer}");
        *configuration.pointer_mut(pointer).expect("a field") = before;
    }
    configuration
        .as_object_mut()
        .expect("an object")
        .remove("identity");
    assert_eq!(faults(&configuration), [": \"identity\" is missing"]);
}
