//! Sensors that do what they should not: it costs them their connection or their message, and nobody else anything.

use playhouse_sense::observation::{Batch, Event, LARGEST_BATCH, What};
use playhouse_sense::topic;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rumqttc::QoS;
use serde_json::json;

use super::device::{Device, News, counted, crossings};
use super::listening;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_somebody_else_opens_nothing() {
    let house = listening().await;
    let owner = house.owner().await;
    let mut device = Device::new(&house, &owner, "Door").await;
    // An authority of the same name, which signs the same sensor's id.
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Playhouse sensors");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, device.id.as_str());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let own = device.enrolled.certificate.clone();
    device.enrolled.certificate = params.signed_by(&device.key, &issuer).unwrap().pem();
    device.dial().await.out().await;
    device.enrolled.certificate = own;
    drop(device.connect().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sensor_speaks_for_itself_alone() {
    let house = listening().await;
    let owner = house.owner().await;
    let (evil, good) = (Device::new(&house, &owner, "Evil").await, Device::new(&house, &owner, "Good").await);
    let mut goods = good.connect().await;
    let mut link = evil.connect().await;
    let batch = crossings(1, 1..=3).encode().unwrap();
    link.client.publish(topic::of(&good.id, topic::BATCH), QoS::AtLeastOnce, false, batch).await.unwrap();
    // Whether it is told so or thrown out is the broker's affair.
    link.until(|news| matches!(news, News::Acknowledged | News::Out(_))).await;
    let mut link = evil.connect().await;
    let settings = json!({"version": 9, "settings": {}}).to_string();
    link.client.publish(topic::of(&good.id, topic::DESIRED), QoS::AtLeastOnce, true, settings).await.unwrap();
    link.until(|news| matches!(news, News::Acknowledged | News::Out(_))).await;
    goods.deliver(&crossings(1, 1..=1)).await;
    assert_eq!(counted(&owner, &good.id).await, (1, 0));
    drop(goods);
    assert_eq!(good.connect().await.hear(topic::DESIRED).await["version"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_cannot_be_used_are_named_and_harm_nobody() {
    let house = listening().await;
    let owner = house.owner().await;
    let (evil, good) = (Device::new(&house, &owner, "Evil").await, Device::new(&house, &owner, "Good").await);
    let (mut link, mut goods) = (evil.connect().await, good.connect().await);
    link.say(topic::BATCH, b"\x01nonsense".to_vec()).await;
    link.say(topic::BATCH, b"\x09".to_vec()).await;
    link.say(topic::HEALTH, b"{".to_vec()).await;
    let backwards = [2, 1].map(|seq| Event { seq, at: 0, what: What::Lost { count: 1 } });
    let backwards = Batch { epoch: 1, events: backwards.to_vec() };
    link.say(topic::BATCH, backwards.encode().unwrap()).await;
    link.say(topic::BATCH, vec![1; LARGEST_BATCH + 1]).await;
    link.deliver(&crossings(1, 1..=3)).await;
    goods.deliver(&crossings(1, 1..=3)).await;
    let path = format!("/api/sensors/{}", evil.id);
    let sensor = house.until_at(&owner, &path, |sensor| sensor["troubles"]["malformed"] == 4).await;
    assert_eq!(sensor["troubles"]["oversize"], 1, "{sensor}");
    assert!(sensor["troubles"]["latest"].as_str().unwrap().starts_with("It sent "), "{sensor}");
    assert_eq!(counted(&owner, &evil.id).await, (2, 1));
    let good = owner.get(&format!("/api/sensors/{}", good.id)).await.expect(200).json();
    assert_eq!((&good["troubles"]["malformed"], &good["state"]), (&json!(0), &json!("online")));
    // Far too much at a time ends the connection, and only that one.
    link.say(topic::BATCH, vec![1; 600 << 10]).await;
    link.out().await;
    goods.deliver(&crossings(1, 4..=6)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_costs_no_observation() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let mut link = device.connect().await;
    let mut batch = crossings(1, 1..=3);
    batch.events[0].at = 0;
    batch.events[1].at += 24 * 3_600_000;
    link.deliver(&batch).await;
    assert_eq!(counted(&owner, &device.id).await, (2, 1));
    let path = format!("/api/sensors/{}", device.id);
    assert_eq!(owner.get(&path).await.expect(200).json()["troubles"]["clock"], 2);
    let events = owner.get(&format!("{path}/events")).await.expect(200).json();
    let sent: Vec<_> =
        events["events"].as_array().unwrap().iter().filter(|event| event["sent"].is_u64()).collect();
    assert_eq!(sent.len(), 2, "{events}");
}
