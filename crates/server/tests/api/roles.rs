//! Nobody reaches what they have no right to: all routes, for every role.

use std::collections::BTreeSet;

use playhouse_store::accounts::Role;
use serde_json::{Value, json};

use crate::house::House;
use crate::http::Client;

/// Who may use each route, written down a second time, on purpose.
///
/// N nobody, V a spectator by invite, P a player by invite, E a visitor of another session, G a guest's account,
/// S a player's account that has nothing to do with the session, H the session's account, O an owner.
const EXPECTED: &str = "
    GET /api                                            NVPEGSHO
    GET /api/openapi.json                               NVPEGSHO
    GET /api/health                                     NVPEGSHO
    GET /metrics                                        NVPEGSHO
    GET /api/system                                     -------O
    POST /api/sign-in                                   NVPEGSHO
    POST /api/sign-in/code                              NVPEGSHO
    POST /api/sign-out                                  NVPEGSHO
    GET /api/me                                         -VPEGSHO
    PATCH /api/me                                       ----GSHO
    GET /api/me/sign-ins                                ----GSHO
    PATCH /api/me/sign-ins/{id}                         ----GSHO
    DELETE /api/me/sign-ins/{id}                        ----GSHO
    GET /api/profiles                                   ----GSHO
    POST /api/profiles                                  ----GSHO
    PATCH /api/profiles/{id}                            ----GSHO
    DELETE /api/profiles/{id}                           ----GSHO
    POST /api/profiles/{id}/open                        ----GSHO
    GET /api/streams                                    ----GSHO
    POST /api/streams                                   ----GSHO
    PUT /api/streams/{id}                               ----GSHO
    DELETE /api/streams/{id}                            ----GSHO
    GET /api/accounts                                   -------O
    POST /api/accounts                                  -------O
    PATCH /api/accounts/{id}                            -------O
    DELETE /api/accounts/{id}                           -------O
    POST /api/accounts/{id}/link                        -------O
    GET /api/plans                                      -------O
    POST /api/plans                                     -------O
    PATCH /api/plans/{id}                               -------O
    DELETE /api/plans/{id}                              -------O
    GET /api/titles                                     ----GSHO
    POST /api/titles/rescan                             -------O
    GET /api/titles/{id}                                ----GSHO
    PATCH /api/titles/{id}                              -------O
    GET /api/titles/{id}/cover                          NVPEGSHO
    GET /api/titles/{id}/cover.svg                      NVPEGSHO
    GET /api/films                                      ----GSHO
    POST /api/films/rescan                              -------O
    GET /api/films/{id}                                 ----GSHO
    PATCH /api/films/{id}                               -------O
    DELETE /api/films/{id}                              -------O
    GET /api/films/{id}/poster                          ----GSHO
    PUT /api/films/{id}/position                        -----SHO
    GET /api/films/{id}/master.m3u8                     -----SHO
    GET /api/films/{id}/manifest.mpd                    -----SHO
    GET /api/films/{id}/{playlist}                      -----SHO
    GET /api/films/{id}/{track}/{segment}               -----SHO
    GET /api/films/{id}/file                            -----SHO
    GET /api/films/{id}/start                           -----SHO
    GET /api/films/{id}/sprites/{name}                  -----SHO
    GET /api/films/{id}/pictures.mks                    -----SHO
    POST /api/films/{id}/links                          -----SHO
    GET /api/films/{id}/play.m3u                        -----SHO
    GET /api/search                                     ----GSHO
    GET /api/renderings                                 -------O
    POST /api/films/{id}/rendering                      -------O
    DELETE /api/films/{id}/rendering                    -------O
    POST /api/parties                                   -----SHO
    GET /api/parties/{id}                               ----GSHO
    PATCH /api/parties/{id}                             ----GSHO
    DELETE /api/parties/{id}                            ----GSHO
    POST /api/parties/{id}/invites                      ----GSHO
    GET /api/parties/{id}/live                          ----GSHO
    GET /api/channels                                   ----GSHO
    POST /api/channels                                  -----SHO
    GET /api/channels/{id}                              ----GSHO
    PATCH /api/channels/{id}                            ------HO
    DELETE /api/channels/{id}                           ------HO
    GET /api/channels/{id}/cover.svg                    ----GSHO
    GET /api/channels/{id}/keys                         ------HO
    POST /api/channels/{id}/keys                        ------HO
    DELETE /api/channels/{id}/keys/{key}                ------HO
    POST /api/channels/{id}/keep                        ------HO
    POST /api/channels/{id}/links                       -----SHO
    GET /api/channels/{id}/play.m3u                     -----SHO
    GET /api/channels/{id}/live/master.m3u8             -----SHO
    GET /api/channels/{id}/live/manifest.mpd            -----SHO
    GET /api/channels/{id}/live/{playlist}              -----SHO
    GET /api/channels/{id}/live/{track}/{segment}       -----SHO
    GET /api/channels/{id}/live/renditions/{rendition}/{playlist} -----SHO
    GET /api/channels/{id}/live/renditions/{rendition}/{track}/{segment} -----SHO
    GET /api/guide                                      ----GSHO
    POST /api/guide/channels                            -------O
    POST /api/guide/preview                             -------O
    GET /api/guide/playlist.m3u                         -----SHO
    GET /api/guide/xmltv.xml                            -----SHO
    GET /api/guide/tokens                               -----SHO
    POST /api/guide/tokens                              -----SHO
    DELETE /api/guide/tokens/{token}                    -----SHO
    GET /api/guide/sources                              -------O
    POST /api/guide/sources                             -------O
    DELETE /api/guide/sources/{id}                      -------O
    POST /api/guide/sources/{id}/refresh                -------O
    POST /api/guide/import                              -------O
    GET /api/recordings                                 -----SHO
    POST /api/recordings                                -----SHO
    PATCH /api/recordings/{id}                          -----SHO
    DELETE /api/recordings/{id}                         -----SHO
    GET /api/recordings/{id}/watch/master.m3u8          -----SHO
    GET /api/recordings/{id}/watch/{playlist}           -----SHO
    GET /api/recordings/{id}/watch/{track}/{segment}    -----SHO
    POST /api/recordings/rules                          -----SHO
    DELETE /api/recordings/rules/{rule}                 -----SHO
    GET /api/channels/{id}/schedule                     -------O
    PUT /api/channels/{id}/schedule                     -------O
    GET /api/channels/{id}/on                           ----GSHO
    GET /api/channels/{id}/on/master.m3u8               -----SHO
    GET /api/channels/{id}/on/{playlist}                -----SHO
    GET /api/channels/{id}/on/{film}/{track}/{segment}  -----SHO
    GET /api/channels/{id}/relay/master.m3u8            -----SHO
    GET /api/channels/{id}/relay/playlist/{address}     -----SHO
    GET /api/channels/{id}/relay/segment/{address}      -----SHO
    OPTIONS /api/uploads                                NVPEGSHO
    POST /api/uploads                                   -------O
    GET /api/uploads/{id}                               -------O
    PATCH /api/uploads/{id}                             -------O
    DELETE /api/uploads/{id}                            -------O
    GET /api/sessions                                   -VPEGSHO
    POST /api/sessions                                  -----SHO
    GET /api/sessions/{id}                              -VP---HO
    DELETE /api/sessions/{id}                           ------HO
    GET /api/sessions/{id}/stats                        -VP---HO
    PUT /api/sessions/{id}/air                          ------HO
    DELETE /api/sessions/{id}/air                       ------HO
    GET /api/queue                                      ----GSHO
    DELETE /api/queue                                   ----GSHO
    GET /api/plays                                      ----GSHO
    OPTIONS /api/sessions/{id}/whep                     NVPEGSHO
    POST /api/sessions/{id}/whep                        -VP---HO
    OPTIONS /api/sessions/{id}/whep/{peer}              NVPEGSHO
    PATCH /api/sessions/{id}/whep/{peer}                -VP---HO
    DELETE /api/sessions/{id}/whep/{peer}               -VP---HO
    OPTIONS /api/channels/{id}/whep                     NVPEGSHO
    POST /api/channels/{id}/whep                        -----SHO
    OPTIONS /api/channels/{id}/whep/{peer}              NVPEGSHO
    PATCH /api/channels/{id}/whep/{peer}                -----SHO
    DELETE /api/channels/{id}/whep/{peer}               -----SHO
    OPTIONS /api/whip                                   NVPEGSHO
    POST /api/whip                                      NVPEGSHO
    OPTIONS /api/whip/{peer}                            NVPEGSHO
    PATCH /api/whip/{peer}                              NVPEGSHO
    DELETE /api/whip/{peer}                             NVPEGSHO
    GET /api/sessions/{id}/seats                        -VP---HO
    POST /api/sessions/{id}/seats/{seat}/take-back      ------HO
    PUT /api/sessions/{id}/seats/{seat}/sensor          ------HO
    GET /api/sessions/{id}/invites                      ------HO
    POST /api/sessions/{id}/invites                     ------HO
    DELETE /api/sessions/{id}/invites/{invite}          ------HO
    GET /api/invites/{token}                            NVPEGSHO
    POST /api/invites/{token}                           NVPEGSHO
    GET /api/sensors                                    -----SHO
    POST /api/sensors                                   -------O
    GET /api/sensors/map                                -----SHO
    POST /api/sensors/enrol                             NVPEGSHO
    POST /api/sensors/fleet-code                        -------O
    GET /api/sensors/{id}                               -----SHO
    PATCH /api/sensors/{id}                             -------O
    DELETE /api/sensors/{id}                            -------O
    POST /api/sensors/{id}/revoke                       -------O
    POST /api/sensors/{id}/code                         -------O
    PATCH /api/sensors/{id}/desired                     -------O
    GET /api/sensors/{id}/asks                          -------O
    GET /api/sensors/{id}/live                          -----SHO
    GET /api/sensors/{id}/events                        -----SHO
    GET /api/sensors/{id}/counts                        -----SHO
    GET /api/sensors/{id}/heat                          -----SHO
    GET /api/sensors/{id}/export.csv                    -----SHO
    GET /api/sensors/{id}/export.parquet                -----SHO
    GET /api/sensor-rules                               -------O
    POST /api/sensor-rules                              -------O
    POST /api/sensor-rules/dry-run                      -------O
    PUT /api/sensor-rules/{id}                          -------O
    DELETE /api/sensor-rules/{id}                       -------O
    GET /api/sensor-rules/{id}/calls                    -------O
    GET /api/notices                                    -----SHO
    GET /api/models                                     -----SHO
    POST /api/models                                    -------O
    PATCH /api/models/{hash}                            -------O
    DELETE /api/models/{hash}                           -------O
    GET /api/rollouts                                   -------O
    POST /api/rollouts                                  -------O
    POST /api/rollouts/{id}/advance                     -------O
    POST /api/rollouts/{id}/return                      -------O
    POST /api/sessions/{id}/clips                       ------HO
    GET /api/clips                                      ----GSHO
    GET /api/clips/{id}                                 ----GSHO
    DELETE /api/clips/{id}                              ----GSHO
    POST /api/clips/{id}/film                           -----SHO
";

// The routes of a party are walked with a real one in `parties`: here there is none, and an account is told so.

/// The one route whose answer does not end; it has a test of its own below.
const ENDLESS: &str = "GET /api/events";

fn routes() -> BTreeSet<String> {
    let description = serde_json::to_value(playhouse_server::description()).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Everybody, and the session and account that the paths name.
struct Cast {
    house: House,
    session: String,
    victim: String,
    channel: String,
    everybody: Vec<(char, Client)>,
}

async fn cast() -> Cast {
    let house = House::with(9, |_| {}).await;
    let owner = house.owner().await;
    let host = house.account("Hana", Role::Player).await;
    let stranger = house.account("Stan", Role::Player).await;
    let guest = house.account("Gil", Role::Guest).await;
    let victim = house.store.accounts().create("Vic", Role::Guest, None, 0).await.unwrap();
    let session = house.start(&host).await;
    let elsewhere = house.start(&owner).await;
    let watch = house.invite(&host, &session, json!({"kind": "spectator"})).await;
    let play = house.invite(&host, &session, json!({"kind": "player", "seat": 2})).await;
    let other = house.invite(&owner, &elsewhere, json!({"kind": "player"})).await;
    let spectator = house.visitor(&watch, None).await;
    let player = house.visitor(&play, Some("Paul")).await;
    let visitor = house.visitor(&other, Some("Eve")).await;
    let made = host.post("/api/channels", json!({"name": "Hana's"})).await.expect(201).json();
    let channel = made["id"].as_str().unwrap().to_owned();
    let nobody = house.nobody.clone();
    let everybody = vec![
        ('N', nobody),
        ('V', spectator),
        ('P', player),
        ('E', visitor),
        ('G', guest),
        ('S', stranger),
        ('H', host),
        ('O', owner),
    ];
    Cast { house, session, victim: victim.id, channel, everybody }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reaches_what_they_have_no_right_to() {
    let mut walked = BTreeSet::from([ENDLESS.to_owned()]);
    for line in EXPECTED.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [method, path, may]: [&str; 3] =
            line.split_whitespace().collect::<Vec<_>>().try_into().expect("three words");
        walked.insert(format!("{method} {path}"));
        let cast = cast().await;
        let id = if path.contains("/sessions/") {
            &cast.session
        } else if path.contains("/accounts/") {
            &cast.victim
        } else if path.contains("/channels/") {
            &cast.channel
        } else {
            "game"
        };
        let real = path.replace("{id}", id).replace("{seat}", "2").replace("{token}", "nope");
        let real = real.replace("{peer}", "nope").replace("{invite}", "nope").replace("{key}", "nope");
        let real = real.replace("{rule}", "nope").replace("{film}", "nope").replace("{rendition}", "240p");
        let real = real.replace("{hash}", "nope");
        let real = real.replace("{playlist}", "0.m3u8").replace("{track}", "0").replace("{segment}", "0.m4s");
        for (letter, client) in &cast.everybody {
            let reply = match (method, path.ends_with("/whep"), path.contains("/whep/")) {
                ("POST", true, _) => client.offer(&format!("{real}?role=spectator")).await,
                ("PATCH", _, true) => client.json(method, &real, json!({"candidate": ""})).await,
                ("POST" | "PATCH" | "PUT", _, _) => client.json(method, &real, json!({})).await,
                _ => client.send(method, &real, &[], b"").await,
            };
            // Some addresses refuse for another reason: the name, the code or the key is wrong, whoever asks.
            let entry = path.starts_with("/api/sign-in") || path == "/api/whip";
            let allowed = entry || !matches!(reply.status, 401 | 403);
            assert_eq!(
                allowed,
                may.contains(*letter),
                "{letter} {method} {path}: {} {}",
                reply.status,
                reply.text()
            );
            assert_ne!(reply.status, 405, "{method} {path}");
            assert!(reply.status < 500, "{letter} {method} {path}: {} {}", reply.status, reply.text());
            if !allowed {
                let slug = if *letter == 'N' { (401, "sign-in-required") } else { (403, "not-allowed") };
                reply.problem(slug.0, slug.1);
            }
        }
        drop(cast.house);
    }
    assert_eq!(walked, routes(), "a route is not walked, or is gone");
}

#[tokio::test]
async fn nobody_listens_to_changes_without_being_signed_in() {
    let house = House::new().await;
    house.nobody.get("/api/events").await.problem(401, "sign-in-required");
}

#[tokio::test]
async fn a_stranger_does_not_see_anybody_elses_things_in_lists() {
    let house = House::new().await;
    let (host, stranger) = (house.player().await, house.account("Stan", Role::Player).await);
    let session = house.start(&host).await;
    host.post(&format!("/api/sessions/{session}/clips"), json!({"seconds": 5})).await.expect(201);
    assert_eq!(stranger.get("/api/sessions").await.json()["sessions"], json!([]));
    assert_eq!(stranger.get("/api/clips").await.json()["clips"], json!([]));
    assert_eq!(stranger.get("/api/plays").await.json()["plays"], json!([]));
    stranger.get("/api/sessions?all=true").await.problem(403, "not-allowed");
    stranger.get("/api/plays?all=true").await.problem(403, "not-allowed");
    let owner = house.owner().await;
    assert_eq!(owner.get("/api/sessions").await.json()["sessions"], json!([]));
    assert_eq!(owner.get("/api/sessions?all=true").await.json()["sessions"][0]["id"], session.as_str());
}
