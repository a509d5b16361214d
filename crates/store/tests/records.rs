//! What is written down is found again, after a restart too, and secrets are used once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use playhouse_store::accounts::Role;
use playhouse_store::films::{Film, Position, State};
use playhouse_store::invites::{Kind, New};
use playhouse_store::renderings::Made;
use playhouse_store::sign_ins::For;
use playhouse_store::titles::Settings;
use playhouse_store::{Store, StoreError};

async fn fresh() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("playhouse.db")).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn accounts_outlive_a_restart() {
    let (folder, store) = fresh().await;
    let ada = store.accounts().create("Ada", Role::Player, None, 5).await.unwrap();
    store.close().await;
    let store = Store::open(&folder.path().join("playhouse.db")).await.unwrap();
    assert_eq!(store.accounts().get(&ada.id).await.unwrap(), Some(ada));
}

#[tokio::test]
async fn two_people_cannot_have_names_that_differ_in_capitals_alone() {
    let (_folder, store) = fresh().await;
    let zoe = store.accounts().create("Zoë", Role::Player, None, 0).await.unwrap();
    let again = store.accounts().create("ZOË", Role::Guest, None, 0).await;
    assert!(matches!(again, Err(StoreError::NameTaken(name)) if name == "ZOË"));
    assert_eq!(store.accounts().by_name("zoË").await.unwrap(), Some(zoe.clone()));
    let bob = store.accounts().create("Bob", Role::Player, None, 0).await.unwrap();
    assert!(matches!(store.accounts().rename(&bob.id, "zoë").await, Err(StoreError::NameTaken(_))));
    store.accounts().rename(&zoe.id, "ZOË").await.unwrap();
}

#[tokio::test]
async fn the_place_never_loses_its_last_owner() {
    let (_folder, store) = fresh().await;
    let ada = store.accounts().create("Ada", Role::Owner, None, 0).await.unwrap();
    let bob = store.accounts().create("Bob", Role::Player, None, 0).await.unwrap();
    assert!(!store.accounts().delete(&ada.id).await.unwrap());
    assert!(!store.accounts().set_role(&ada.id, Role::Player).await.unwrap());
    assert!(store.accounts().set_role(&bob.id, Role::Owner).await.unwrap());
    assert!(store.accounts().delete(&ada.id).await.unwrap());
}

#[tokio::test]
async fn a_code_works_once_and_not_after_its_time() {
    let (_folder, store) = fresh().await;
    let code = store.codes().create(None, 0, 100).await.unwrap();
    assert_eq!(store.codes().redeem("wrong", "Owner", 1).await.unwrap(), None);
    let owner = store.codes().redeem(&code, "Owner", 1).await.unwrap().unwrap();
    assert_eq!((owner.role, owner.name.as_str()), (Role::Owner, "Owner"));
    assert_eq!(store.codes().redeem(&code, "Owner", 2).await.unwrap(), None);

    let second = store.codes().create(None, 0, 100).await.unwrap();
    assert_eq!(store.codes().redeem(&second, "Other", 100).await.unwrap(), None);
    let third = store.codes().create(None, 0, 100).await.unwrap();
    let again = store.codes().redeem(&third, "Other", 1).await.unwrap().unwrap();
    assert_eq!(again.id, owner.id, "a later start signs the same owner in");
}

#[tokio::test]
async fn a_code_that_could_not_be_honoured_stays_valid() {
    let (_folder, store) = fresh().await;
    store.accounts().create("Ada", Role::Player, None, 0).await.unwrap();
    let code = store.codes().create(None, 0, 100).await.unwrap();
    assert!(matches!(store.codes().redeem(&code, "ada", 1).await, Err(StoreError::NameTaken(_))));
    assert!(store.codes().redeem(&code, "Grace", 1).await.unwrap().is_some());
}

#[tokio::test]
async fn a_second_link_for_an_account_voids_the_first() {
    let (_folder, store) = fresh().await;
    let bob = store.accounts().create("Bob", Role::Player, None, 0).await.unwrap();
    let first = store.codes().create(Some(&bob.id), 0, 100).await.unwrap();
    let second = store.codes().create(Some(&bob.id), 0, 100).await.unwrap();
    assert_eq!(store.codes().redeem(&first, "x", 1).await.unwrap(), None);
    assert_eq!(store.codes().redeem(&second, "x", 1).await.unwrap(), Some(bob));
}

#[tokio::test]
async fn sign_ins_end_by_time_by_hand_and_with_their_account() {
    let (_folder, store) = fresh().await;
    store.accounts().create("Ada", Role::Owner, None, 0).await.unwrap();
    let bob = store.accounts().create("Bob", Role::Player, None, 0).await.unwrap();
    let secret = store.sign_ins().create(For::Account(&bob.id), "browser", 0, 100_000).await.unwrap();
    let (sign_in, account) = store.sign_ins().find(&secret, 70_000).await.unwrap().unwrap();
    assert_eq!(account.unwrap().id, bob.id);
    assert_eq!(sign_in.user_agent, "browser");
    assert_eq!(store.accounts().get(&bob.id).await.unwrap().unwrap().seen, Some(70_000));
    assert!(store.sign_ins().find(&secret, 100_000).await.unwrap().is_none());

    let other = store.sign_ins().create(For::Account(&bob.id), "phone", 0, 100_000).await.unwrap();
    store.sign_ins().end_others(&bob.id, &sign_in.id).await.unwrap();
    assert!(store.sign_ins().find(&other, 1).await.unwrap().is_none());
    assert!(store.sign_ins().find(&secret, 1).await.unwrap().is_some());
    assert!(store.accounts().delete(&bob.id).await.unwrap());
    assert!(store.sign_ins().find(&secret, 1).await.unwrap().is_none());
}

#[tokio::test]
async fn a_visit_ends_with_its_invite() {
    let (_folder, store) = fresh().await;
    let ada = store.accounts().create("Ada", Role::Owner, None, 0).await.unwrap();
    let new = New { session: "s", kind: Kind::Player, seat: Some(2), creator: &ada.id, expires: 50 };
    let (invite, link) = store.invites().create(new, 0).await.unwrap();
    assert_eq!(store.invites().by_secret(&link).await.unwrap().unwrap(), invite);
    assert!(invite.holds(49) && !invite.holds(50));
    let whom = For::Visitor { name: "Bob", invite: &invite.id };
    let secret = store.sign_ins().create(whom, "", 0, 100).await.unwrap();
    assert!(store.sign_ins().find(&secret, 1).await.unwrap().unwrap().1.is_none());
    assert!(!store.invites().revoke("other session", &invite.id, 3).await.unwrap());
    assert!(store.invites().revoke("s", &invite.id, 3).await.unwrap());
    assert!(!store.invites().get(&invite.id).await.unwrap().unwrap().holds(4));
    store.invites().end_session("s").await.unwrap();
    assert!(store.sign_ins().find(&secret, 1).await.unwrap().is_none());
}

#[tokio::test]
async fn plays_remember_how_they_ended() {
    let (_folder, store) = fresh().await;
    let ada = store.accounts().create("Ada", Role::Owner, None, 0).await.unwrap();
    store.plays().begin("s1", "doom", &ada.id, 10).await.unwrap();
    store.plays().begin("s2", "doom", &ada.id, 20).await.unwrap();
    store.plays().end("s1", "crashed", "It stopped.", "no data file", 15).await.unwrap();
    store.plays().end("s1", "stopped", "later", "", 16).await.unwrap();
    let list = store.plays().list(Some(&ada.id), 10).await.unwrap();
    assert_eq!(list.iter().map(|play| play.id.as_str()).collect::<Vec<_>>(), ["s2", "s1"]);
    assert_eq!(list[1].reason.as_deref(), Some("crashed"));
    assert_eq!(list[1].last_words.as_deref(), Some("no data file"));
    let played = store.plays().played(&ada.id, 30).await.unwrap();
    assert_eq!((played["doom"].last, played["doom"].millis), (20, 15));
    assert_eq!(store.plays().end_all("The program was restarted.", 40).await.unwrap(), 1);
}

#[tokio::test]
async fn owners_decide_about_titles() {
    let (_folder, store) = fresh().await;
    assert_eq!(store.titles().get("doom").await.unwrap(), Settings::default());
    let settings = Settings { network: true, hidden: false };
    store.titles().set("doom", settings).await.unwrap();
    store.titles().set("doom", settings).await.unwrap();
    assert_eq!(store.titles().all().await.unwrap()["doom"], settings);
}

fn film(id: &str) -> Film {
    Film {
        id: id.to_owned(),
        folder: "/films".to_owned(),
        path: format!("{id}.mp4"),
        size: 10,
        modified: 5,
        print: "p".to_owned(),
        title: "Title".to_owned(),
        year: Some(2019),
        show: None,
        season: None,
        episode: None,
        duration_ms: Some(2_000),
        width: Some(320),
        height: None,
        codecs: "[]".to_owned(),
        state: State::Ready,
        reason: None,
        added: 7,
        age: None,
    }
}

#[tokio::test]
async fn a_film_keeps_its_date_and_loses_its_positions_with_its_record() {
    let (_folder, store) = fresh().await;
    let ada = store.accounts().create("Ada", Role::Owner, None, 0).await.unwrap();
    store.films().create(&film("a")).await.unwrap();
    let missing =
        Film { state: State::Missing, reason: Some("It is gone.".to_owned()), added: 99, ..film("a") };
    assert!(store.films().update(&missing).await.unwrap());
    assert!(!store.films().update(&film("b")).await.unwrap(), "a deleted film came back");
    let kept = Film { added: 7, ..missing };
    assert_eq!(store.films().get("a").await.unwrap(), Some(kept.clone()));
    assert_eq!(store.films().all().await.unwrap(), [kept]);

    let position = Position { film: "a".to_owned(), seconds: 1.5, finished: false, at: 3 };
    assert!(store.films().set_position(&ada.id, &position).await.unwrap());
    let later = Position { seconds: 2.0, finished: true, at: 4, ..position.clone() };
    assert!(store.films().set_position(&ada.id, &later).await.unwrap());
    assert!(
        !store.films().set_position(&ada.id, &Position { film: "b".to_owned(), ..position }).await.unwrap()
    );
    assert_eq!(store.films().positions(&ada.id).await.unwrap(), [later]);
    assert!(store.films().delete("a").await.unwrap());
    assert!(store.films().positions(&ada.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn everybody_has_a_profile_from_the_start_and_a_new_device_is_in_it() {
    let (_folder, store) = fresh().await;
    let ada = store.accounts().create("Ada", Role::Player, None, 5).await.unwrap();
    let first = &store.profiles().of_account(&ada.id).await.unwrap()[0];
    assert_eq!((&first.id, first.name.as_str(), first.age_limit), (&ada.id, "Ada", None));
    store.accounts().rename(&ada.id, "Augusta").await.unwrap();
    assert_eq!(store.profiles().of_account(&ada.id).await.unwrap()[0].name, "Augusta");
    let secret = store.sign_ins().create(For::Account(&ada.id), "test", 5, 100).await.unwrap();
    let (sign_in, _) = store.sign_ins().find(&secret, 6).await.unwrap().unwrap();
    assert_eq!((sign_in.profile, sign_in.age_limit), (Some(ada.id), None));
}

#[tokio::test]
async fn a_new_pin_sends_other_devices_back_to_where_none_is_needed() {
    let (_folder, store) = fresh().await;
    let ada = store.accounts().create("Ada", Role::Player, None, 5).await.unwrap();
    let mut kid = store.profiles().create(&ada.id, "Kid", 8, 6).await.unwrap().unwrap();
    kid.age_limit = Some(6);
    assert!(store.profiles().update(&kid).await.unwrap());
    let mut secrets = Vec::new();
    for _ in 0..2 {
        secrets.push(store.sign_ins().create(For::Account(&ada.id), "test", 7, 100).await.unwrap());
    }
    let mut first = store.profiles().get(&ada.id, &ada.id).await.unwrap().unwrap();
    first.pin = Some("hash".to_owned());
    assert!(store.profiles().update(&first).await.unwrap());
    let keep = store.sign_ins().find(&secrets[0], 8).await.unwrap().unwrap().0.id;
    store.profiles().close(&ada.id, &ada.id, &keep).await.unwrap();
    let mut seen = Vec::new();
    for secret in &secrets {
        let (sign_in, _) = store.sign_ins().find(secret, 8).await.unwrap().unwrap();
        seen.push((sign_in.profile.unwrap(), sign_in.age_limit));
    }
    assert_eq!(seen, [(ada.id.clone(), None), (kid.id.clone(), Some(6))]);
    let new = store.sign_ins().create(For::Account(&ada.id), "test", 9, 100).await.unwrap();
    assert_eq!(store.sign_ins().find(&new, 9).await.unwrap().unwrap().0.age_limit, Some(6));
    assert!(store.profiles().delete(&ada.id, &ada.id).await.unwrap());
    assert!(!store.profiles().delete(&ada.id, &kid.id).await.unwrap(), "the last one stays");
    assert_eq!(store.profiles().create(&ada.id, "One too many", 1, 9).await.unwrap(), None);
}

#[tokio::test]
async fn a_rendering_is_done_once_and_the_film_can_be_watched_with_it() {
    let (_folder, store) = fresh().await;
    let film = Film { state: State::Unplayable, reason: Some("No.".to_owned()), ..film("a") };
    store.films().create(&film).await.unwrap();
    let renderings = store.renderings();
    assert!(!renderings.ask("b", "p", "", 1).await.unwrap(), "there is no such film");
    assert!(renderings.ask("a", "p", "av1", 1).await.unwrap());
    assert_eq!(renderings.begin(2).await.unwrap().unwrap().film, "a");
    assert!(renderings.begin(2).await.unwrap().is_none(), "it was begun twice");
    renderings.recover().await.unwrap();
    renderings.begin(3).await.unwrap().unwrap();
    renderings.put_off("a", "The disk is full.", 10).await.unwrap();
    assert!(renderings.begin(9).await.unwrap().is_none());
    renderings.begin(10).await.unwrap().unwrap();
    let made = Made { bytes: 5, index_bytes: 1, renditions: 2, saving_percent: Some(40.0) };
    assert!(!renderings.finish("a", "other", made, 11).await.unwrap(), "another film was made");
    assert!(renderings.finish("a", "p", made, 11).await.unwrap());
    let ready = store.films().get("a").await.unwrap().unwrap();
    assert_eq!((ready.state, ready.reason), (State::Ready, None));
    assert!(!renderings.cancel("a", 12).await.unwrap(), "it is done");

    // One that was cancelled meanwhile makes nothing ready.
    store.films().update(&film).await.unwrap();
    renderings.ask("a", "p", "", 13).await.unwrap();
    renderings.begin(14).await.unwrap().unwrap();
    assert!(renderings.cancel("a", 15).await.unwrap());
    assert!(!renderings.finish("a", "p", made, 16).await.unwrap());
    assert_eq!(store.films().get("a").await.unwrap().unwrap().state, State::Unplayable);
    assert!(store.films().delete("a").await.unwrap());
    assert!(renderings.all().await.unwrap().is_empty());
}
