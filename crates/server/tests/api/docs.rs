//! The description of the API: as it was agreed, and complete.

use std::fs;
use std::path::Path;

use crate::house::House;

/// A changed API shows up here. If it was meant, run the tests with `UPDATE_SNAPSHOTS=1` and look at the difference.
#[test]
fn the_description_is_the_one_that_was_agreed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/openapi.json");
    let mut description = serde_json::to_value(playhouse_server::description()).unwrap();
    description["info"]["version"] = "any".into();
    let now = serde_json::to_string_pretty(&description).unwrap() + "\n";
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&file, &now).unwrap();
    }
    let agreed = fs::read_to_string(&file).unwrap();
    assert!(now == agreed, "the API is not the one of {}", file.display());
}

#[tokio::test]
async fn the_documentation_has_every_route_with_an_example() {
    let house = House::new().await;
    let page = house.nobody.get("/api").await.expect(200).text();
    let json = house.nobody.get("/api/openapi.json").await.expect(200).json();
    for (path, item) in json["paths"].as_object().unwrap() {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        assert!(page.contains(&format!("$PLAYHOUSE{path}")), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path} has no words");
            let kind = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            if let Some(name) = kind.and_then(|name| name.rsplit('/').next()) {
                assert!(!json["components"]["schemas"][name]["example"].is_null(), "{name} has no example");
            }
        }
    }
    assert!(!page.contains("<script") && !page.contains("https://"), "the page needs nobody else");
}
