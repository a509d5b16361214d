//! Finds out who is asking: by cookie, by bearer token (RFC 6750), or by an invite's token in the address.

use axum::http::HeaderMap;
use axum::http::Uri;
use axum::http::header::AUTHORIZATION;
use playhouse_store::accounts::Account;
use playhouse_store::guide::Token;
use playhouse_store::invites::Invite;

use crate::app::App;
use crate::clock::now;
use crate::gate::cookie;
use crate::gate::who::{Caller, Watcher, Who};
use crate::problem::Answer;

/// Longest secret that is looked up: ours have 32 characters.
const LONGEST_SECRET: usize = 128;

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What stands in the address under a name.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(known, _)| *known == name).map(|pair| pair.1)
}

/// The invite's token in the address (`?invite=`).
fn invite_token(uri: &Uri) -> Option<&str> {
    parameter(uri, "invite")
}

/// The token for players in the address (`?token=`), and whose it is.
pub(crate) async fn by_token(app: &App, uri: &Uri) -> Answer<Option<(Token, Account)>> {
    let short = |secret: &&str| !secret.is_empty() && secret.len() <= LONGEST_SECRET;
    match parameter(uri, "token").filter(short) {
        Some(secret) => Ok(app.store.guide().by_secret(secret, now()).await?),
        None => Ok(None),
    }
}

/// What a secret opens.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) sign_in: String,
    pub(crate) who: Who,
    pub(crate) watcher: Watcher,
}

/// What somebody sees where every profile has a PIN and none was opened yet: what is for everybody.
const NOBODY_YET: u8 = 0;

/// Whose a secret is; nothing where it is unknown, ended, or its invite does not hold any more.
pub(crate) async fn by_secret(app: &App, secret: &str) -> Answer<Option<Signed>> {
    let Some((sign_in, account)) = app.store.sign_ins().find(secret, now()).await? else { return Ok(None) };
    let mut watcher = Watcher { profile: sign_in.profile, age_limit: sign_in.age_limit };
    if account.is_some() && watcher.profile.is_none() {
        watcher.age_limit = Some(NOBODY_YET);
    }
    let who = match (account, sign_in.visitor, sign_in.invite) {
        (Some(account), _, _) => Who::Account(account),
        (None, Some(name), Some(invite)) => match holding(app, &invite).await? {
            Some(invite) => Who::Visitor { name, invite },
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(Signed { sign_in: sign_in.id, who, watcher }))
}

/// The same, of an account from a moment ago.
async fn recently(app: &App, secret: &str) -> Answer<Option<Signed>> {
    if let Some(signed) = app.known.get(secret) {
        return Ok(Some(signed));
    }
    let turn = app.known.turn();
    let signed = by_secret(app, secret).await?;
    if let Some(signed) = &signed
        && matches!(signed.who, Who::Account(_))
    {
        app.known.keep(turn, secret, signed.clone());
    }
    Ok(signed)
}

/// Who is asking.
pub(crate) async fn find(app: &App, headers: &HeaderMap, uri: &Uri) -> Answer<Caller> {
    let watcher = Watcher::default();
    let mut caller =
        Caller { who: Who::Nobody, sign_in: None, player: None, secret: None, link: None, watcher };
    let short = |secret: &&str| !secret.is_empty() && secret.len() <= LONGEST_SECRET;
    if let Some(secret) = bearer(headers).or_else(|| cookie::read(headers)).filter(short)
        && let Some(signed) = recently(app, secret).await?
    {
        caller.who = signed.who;
        caller.watcher = signed.watcher;
        caller.sign_in = Some(signed.sign_in);
        caller.secret = Some(secret.to_owned());
    }
    if let Some(token) = invite_token(uri).filter(short) {
        let link = app.store.invites().by_secret(token).await?;
        caller.link = link.filter(|invite| invite.holds(now()));
    }
    Ok(caller)
}

async fn holding(app: &App, invite: &str) -> Answer<Option<Invite>> {
    Ok(app.store.invites().get(invite).await?.filter(|invite| invite.holds(now())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_from_where_they_stand() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "bearer abc".parse().unwrap());
        assert_eq!(bearer(&headers), Some("abc"));
        headers.insert(AUTHORIZATION, "Basic abc".parse().unwrap());
        assert_eq!(bearer(&headers), None);
        assert_eq!(invite_token(&"/x?seat=2&invite=abc".parse().unwrap()), Some("abc"));
        assert_eq!(invite_token(&"/x?uninvite=abc".parse().unwrap()), None);
    }
}
