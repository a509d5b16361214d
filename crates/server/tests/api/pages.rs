//! The pages, and what browsers are told about them.

use crate::house::House;

#[tokio::test]
async fn every_address_of_the_application_shows_it() {
    let house = House::new().await;
    let home = house.nobody.get("/").await.expect(200);
    assert!(home.text().to_lowercase().contains("<!doctype html>"));
    assert_eq!(home.header("cache-control"), Some("no-cache"));
    for path in ["/join/abc", "/titles/game", "/system"] {
        assert_eq!(house.nobody.get(path).await.expect(200).body, home.body, "{path}");
    }
    house.nobody.get("/assets/nope.js").await.problem(404, "not-found");
    let etag = home.header("etag").unwrap();
    let again = house.nobody.send("GET", "/", &[("If-None-Match", etag)], b"").await.expect(304);
    assert!(again.body.is_empty());
    let head = house.nobody.send("HEAD", "/", &[], b"").await.expect(200);
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn browsers_are_told_what_our_pages_may_do() {
    let house = House::new().await;
    for path in ["/", "/api", "/api/health", "/api/me"] {
        let reply = house.nobody.get(path).await;
        let content = reply.header("content-security-policy").unwrap();
        assert!(content.contains("script-src 'self'") && !content.contains("unsafe-eval"), "{content}");
        assert!(content.contains("frame-ancestors 'none'"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert!(reply.header("cache-control").is_none_or(|cache| cache.contains("no-")), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert!(reply.header("permissions-policy").unwrap().contains("gamepad=(self)"));
    }
}
