//! The table of who may do what. Every route has a line; a route without one does not start.

use axum::http::Method;

/// Who may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Everybody.
    Anyone,
    /// A visitor with an invite, or any account.
    Known,
    /// Any account, guests too.
    Account,
    /// Any account, in a profile without an age limit.
    Household,
    /// A player or an owner.
    Player,
    /// An owner.
    Owner,
    /// The session's people: its account, owners, and whoever holds an invite to it.
    People,
    /// The session's account, and owners.
    Host,
    /// Any account, and whoever is in a party that watches the film. Profiles with an age limit get no further than
    /// that, here and wherever else a film is named.
    Sees,
    /// Players and owners, and whoever is in a party that watches the film.
    Watches,
    /// Those, while the account has a place among the streams that it may watch at a time.
    Streams,
    /// The party's people: its host, owners, and whoever came by an invite to it.
    Party,
    /// The party's host, and owners.
    PartyHost,
    /// The account that made the channel, and owners.
    Channel,
    /// Whoever asks from this machine itself, and owners.
    Local,
}

/// A line of the table: method, path as in the description of the API, who may.
pub(crate) type Rule = (Method, &'static str, Need);

/// The table.
pub(crate) const RULES: &[Rule] = &[
    (Method::GET, "/api", Need::Anyone),
    (Method::GET, "/api/openapi.json", Need::Anyone),
    (Method::GET, "/api/health", Need::Anyone),
    (Method::GET, "/metrics", Need::Local),
    (Method::GET, "/api/system", Need::Owner),
    // Signing in, and one's own account.
    (Method::POST, "/api/sign-in", Need::Anyone),
    (Method::POST, "/api/sign-in/code", Need::Anyone),
    (Method::POST, "/api/sign-out", Need::Anyone),
    (Method::GET, "/api/me", Need::Known),
    (Method::PATCH, "/api/me", Need::Household),
    (Method::GET, "/api/me/sign-ins", Need::Account),
    (Method::PATCH, "/api/me/sign-ins/{id}", Need::Account),
    (Method::DELETE, "/api/me/sign-ins/{id}", Need::Account),
    // The people who share the account. A profile may change what only concerns itself; the handler sees to that.
    (Method::GET, "/api/profiles", Need::Account),
    (Method::POST, "/api/profiles", Need::Household),
    (Method::PATCH, "/api/profiles/{id}", Need::Account),
    (Method::DELETE, "/api/profiles/{id}", Need::Household),
    (Method::POST, "/api/profiles/{id}/open", Need::Account),
    // What the account watches, and where.
    (Method::GET, "/api/streams", Need::Account),
    (Method::POST, "/api/streams", Need::Account),
    (Method::PUT, "/api/streams/{id}", Need::Account),
    (Method::DELETE, "/api/streams/{id}", Need::Account),
    // Everybody's accounts.
    (Method::GET, "/api/accounts", Need::Owner),
    (Method::POST, "/api/accounts", Need::Owner),
    (Method::PATCH, "/api/accounts/{id}", Need::Owner),
    (Method::DELETE, "/api/accounts/{id}", Need::Owner),
    (Method::POST, "/api/accounts/{id}/link", Need::Owner),
    (Method::GET, "/api/plans", Need::Owner),
    (Method::POST, "/api/plans", Need::Owner),
    (Method::PATCH, "/api/plans/{id}", Need::Owner),
    (Method::DELETE, "/api/plans/{id}", Need::Owner),
    // The catalogue. Covers say no more than a title's id, and pages show them to visitors.
    (Method::GET, "/api/titles", Need::Account),
    (Method::POST, "/api/titles/rescan", Need::Owner),
    (Method::GET, "/api/titles/{id}", Need::Account),
    (Method::PATCH, "/api/titles/{id}", Need::Owner),
    (Method::GET, "/api/titles/{id}/cover", Need::Anyone),
    (Method::GET, "/api/titles/{id}/cover.svg", Need::Anyone),
    // Films. A guest sees what there is and watches nothing, as it is with titles.
    (Method::GET, "/api/films", Need::Account),
    (Method::POST, "/api/films/rescan", Need::Owner),
    (Method::GET, "/api/films/{id}", Need::Sees),
    (Method::PATCH, "/api/films/{id}", Need::Owner),
    (Method::DELETE, "/api/films/{id}", Need::Owner),
    (Method::GET, "/api/films/{id}/poster", Need::Sees),
    (Method::PUT, "/api/films/{id}/position", Need::Player),
    (Method::GET, "/api/films/{id}/sprites/{name}", Need::Watches),
    (Method::GET, "/api/films/{id}/pictures.mks", Need::Watches),
    (Method::POST, "/api/films/{id}/links", Need::Player),
    (Method::GET, "/api/films/{id}/play.m3u", Need::Player),
    // Making a film playable takes the owner's disk and processor.
    (Method::GET, "/api/renderings", Need::Owner),
    (Method::POST, "/api/films/{id}/rendering", Need::Owner),
    (Method::DELETE, "/api/films/{id}/rendering", Need::Owner),
    (Method::GET, "/api/films/{id}/master.m3u8", Need::Watches),
    (Method::GET, "/api/films/{id}/manifest.mpd", Need::Watches),
    (Method::GET, "/api/films/{id}/{playlist}", Need::Watches),
    (Method::GET, "/api/films/{id}/{track}/{segment}", Need::Streams),
    (Method::GET, "/api/films/{id}/file", Need::Streams),
    (Method::GET, "/api/films/{id}/start", Need::Streams),
    // What is found is what the lists show to whoever asks.
    (Method::GET, "/api/search", Need::Account),
    // Parties.
    (Method::POST, "/api/parties", Need::Player),
    (Method::GET, "/api/parties/{id}", Need::Party),
    (Method::PATCH, "/api/parties/{id}", Need::PartyHost),
    (Method::DELETE, "/api/parties/{id}", Need::PartyHost),
    (Method::POST, "/api/parties/{id}/invites", Need::PartyHost),
    (Method::GET, "/api/parties/{id}/live", Need::Party),
    // Channels. A guest sees what is on.
    (Method::GET, "/api/channels", Need::Account),
    (Method::POST, "/api/channels", Need::Player),
    (Method::GET, "/api/channels/{id}", Need::Account),
    (Method::PATCH, "/api/channels/{id}", Need::Channel),
    (Method::DELETE, "/api/channels/{id}", Need::Channel),
    (Method::GET, "/api/channels/{id}/cover.svg", Need::Account),
    (Method::GET, "/api/channels/{id}/keys", Need::Channel),
    (Method::POST, "/api/channels/{id}/keys", Need::Channel),
    (Method::DELETE, "/api/channels/{id}/keys/{key}", Need::Channel),
    (Method::POST, "/api/channels/{id}/keep", Need::Channel),
    (Method::POST, "/api/channels/{id}/links", Need::Player),
    (Method::GET, "/api/channels/{id}/play.m3u", Need::Player),
    (Method::GET, "/api/channels/{id}/live/master.m3u8", Need::Player),
    (Method::GET, "/api/channels/{id}/live/manifest.mpd", Need::Player),
    (Method::GET, "/api/channels/{id}/live/{playlist}", Need::Player),
    (Method::GET, "/api/channels/{id}/live/{track}/{segment}", Need::Streams),
    (Method::GET, "/api/channels/{id}/live/renditions/{rendition}/{playlist}", Need::Player),
    (Method::GET, "/api/channels/{id}/live/renditions/{rendition}/{track}/{segment}", Need::Streams),
    // The guide, and channels made of the library. What opens films opens channels made of them.
    (Method::GET, "/api/guide", Need::Account),
    (Method::POST, "/api/guide/channels", Need::Owner),
    (Method::POST, "/api/guide/preview", Need::Owner),
    (Method::GET, "/api/guide/playlist.m3u", Need::Player),
    (Method::GET, "/api/guide/xmltv.xml", Need::Player),
    (Method::GET, "/api/guide/tokens", Need::Player),
    (Method::POST, "/api/guide/tokens", Need::Player),
    (Method::DELETE, "/api/guide/tokens/{token}", Need::Player),
    (Method::GET, "/api/guide/sources", Need::Owner),
    (Method::POST, "/api/guide/sources", Need::Owner),
    (Method::DELETE, "/api/guide/sources/{id}", Need::Owner),
    (Method::POST, "/api/guide/sources/{id}/refresh", Need::Owner),
    (Method::POST, "/api/guide/import", Need::Owner),
    (Method::GET, "/api/channels/{id}/schedule", Need::Owner),
    (Method::PUT, "/api/channels/{id}/schedule", Need::Owner),
    (Method::GET, "/api/channels/{id}/on", Need::Account),
    (Method::GET, "/api/channels/{id}/on/master.m3u8", Need::Player),
    (Method::GET, "/api/channels/{id}/on/{playlist}", Need::Player),
    (Method::GET, "/api/channels/{id}/on/{film}/{track}/{segment}", Need::Streams),
    // Channels of others, passed on.
    (Method::GET, "/api/channels/{id}/relay/master.m3u8", Need::Player),
    (Method::GET, "/api/channels/{id}/relay/playlist/{address}", Need::Player),
    (Method::GET, "/api/channels/{id}/relay/segment/{address}", Need::Streams),
    // Recordings. Whose they are, the handlers look up.
    (Method::GET, "/api/recordings", Need::Player),
    (Method::POST, "/api/recordings", Need::Player),
    (Method::PATCH, "/api/recordings/{id}", Need::Player),
    (Method::DELETE, "/api/recordings/{id}", Need::Player),
    (Method::GET, "/api/recordings/{id}/watch/master.m3u8", Need::Player),
    (Method::GET, "/api/recordings/{id}/watch/{playlist}", Need::Player),
    (Method::GET, "/api/recordings/{id}/watch/{track}/{segment}", Need::Streams),
    (Method::POST, "/api/recordings/rules", Need::Player),
    (Method::DELETE, "/api/recordings/rules/{rule}", Need::Player),
    // Uploads take the owner's disk. What they can do is no secret.
    (Method::OPTIONS, "/api/uploads", Need::Anyone),
    (Method::POST, "/api/uploads", Need::Owner),
    (Method::GET, "/api/uploads/{id}", Need::Owner),
    (Method::PATCH, "/api/uploads/{id}", Need::Owner),
    (Method::DELETE, "/api/uploads/{id}", Need::Owner),
    // Sessions.
    (Method::GET, "/api/sessions", Need::Known),
    (Method::POST, "/api/sessions", Need::Player),
    (Method::GET, "/api/sessions/{id}", Need::People),
    (Method::DELETE, "/api/sessions/{id}", Need::Host),
    (Method::GET, "/api/sessions/{id}/stats", Need::People),
    // Whose channel it goes to, the handler looks up.
    (Method::PUT, "/api/sessions/{id}/air", Need::Host),
    (Method::DELETE, "/api/sessions/{id}/air", Need::Host),
    (Method::GET, "/api/queue", Need::Account),
    (Method::DELETE, "/api/queue", Need::Account),
    (Method::GET, "/api/plays", Need::Account),
    (Method::GET, "/api/events", Need::Known),
    // Media.
    (Method::OPTIONS, "/api/sessions/{id}/whep", Need::Anyone),
    (Method::POST, "/api/sessions/{id}/whep", Need::People),
    (Method::OPTIONS, "/api/sessions/{id}/whep/{peer}", Need::Anyone),
    (Method::PATCH, "/api/sessions/{id}/whep/{peer}", Need::People),
    (Method::DELETE, "/api/sessions/{id}/whep/{peer}", Need::People),
    // Live streams by WebRTC. Whoever publishes brings a stream key, which the handlers look up.
    (Method::OPTIONS, "/api/channels/{id}/whep", Need::Anyone),
    (Method::POST, "/api/channels/{id}/whep", Need::Player),
    (Method::OPTIONS, "/api/channels/{id}/whep/{peer}", Need::Anyone),
    (Method::PATCH, "/api/channels/{id}/whep/{peer}", Need::Player),
    (Method::DELETE, "/api/channels/{id}/whep/{peer}", Need::Player),
    (Method::OPTIONS, "/api/whip", Need::Anyone),
    (Method::POST, "/api/whip", Need::Anyone),
    (Method::OPTIONS, "/api/whip/{peer}", Need::Anyone),
    (Method::PATCH, "/api/whip/{peer}", Need::Anyone),
    (Method::DELETE, "/api/whip/{peer}", Need::Anyone),
    // Seats and invites. Whoever has an invite's token may look at it and use it: that is what it is for.
    (Method::GET, "/api/sessions/{id}/seats", Need::People),
    (Method::POST, "/api/sessions/{id}/seats/{seat}/take-back", Need::Host),
    (Method::PUT, "/api/sessions/{id}/seats/{seat}/sensor", Need::Host),
    (Method::GET, "/api/sessions/{id}/invites", Need::Host),
    (Method::POST, "/api/sessions/{id}/invites", Need::Host),
    (Method::DELETE, "/api/sessions/{id}/invites/{invite}", Need::Host),
    (Method::GET, "/api/invites/{token}", Need::Anyone),
    (Method::POST, "/api/invites/{token}", Need::Anyone),
    // Sensors. A guest of the house does not watch its rooms. Whoever enrols a device brings a code, which the handler looks up.
    (Method::GET, "/api/sensors", Need::Player),
    (Method::POST, "/api/sensors", Need::Owner),
    (Method::GET, "/api/sensors/map", Need::Player),
    (Method::POST, "/api/sensors/enrol", Need::Anyone),
    (Method::POST, "/api/sensors/fleet-code", Need::Owner),
    (Method::GET, "/api/sensors/{id}", Need::Player),
    (Method::PATCH, "/api/sensors/{id}", Need::Owner),
    (Method::DELETE, "/api/sensors/{id}", Need::Owner),
    (Method::POST, "/api/sensors/{id}/revoke", Need::Owner),
    (Method::POST, "/api/sensors/{id}/code", Need::Owner),
    (Method::PATCH, "/api/sensors/{id}/desired", Need::Owner),
    (Method::GET, "/api/sensors/{id}/asks", Need::Owner),
    (Method::GET, "/api/sensors/{id}/live", Need::Player),
    (Method::GET, "/api/sensors/{id}/events", Need::Player),
    (Method::GET, "/api/sensors/{id}/counts", Need::Player),
    (Method::GET, "/api/sensors/{id}/heat", Need::Player),
    (Method::GET, "/api/sensors/{id}/export.csv", Need::Player),
    (Method::GET, "/api/sensors/{id}/export.parquet", Need::Player),
    (Method::GET, "/api/sensor-rules", Need::Owner),
    (Method::POST, "/api/sensor-rules", Need::Owner),
    (Method::POST, "/api/sensor-rules/dry-run", Need::Owner),
    (Method::PUT, "/api/sensor-rules/{id}", Need::Owner),
    (Method::DELETE, "/api/sensor-rules/{id}", Need::Owner),
    (Method::GET, "/api/sensor-rules/{id}/calls", Need::Owner),
    (Method::GET, "/api/notices", Need::Player),
    (Method::GET, "/api/models", Need::Player),
    (Method::POST, "/api/models", Need::Owner),
    (Method::PATCH, "/api/models/{hash}", Need::Owner),
    (Method::DELETE, "/api/models/{hash}", Need::Owner),
    (Method::GET, "/api/rollouts", Need::Owner),
    (Method::POST, "/api/rollouts", Need::Owner),
    (Method::POST, "/api/rollouts/{id}/advance", Need::Owner),
    (Method::POST, "/api/rollouts/{id}/return", Need::Owner),
    // Clips. Whose clip it is, the handlers look up.
    (Method::POST, "/api/sessions/{id}/clips", Need::Host),
    (Method::GET, "/api/clips", Need::Account),
    (Method::GET, "/api/clips/{id}", Need::Account),
    (Method::DELETE, "/api/clips/{id}", Need::Account),
    // A film takes the disk of the house, as one that is kept of a channel does.
    (Method::POST, "/api/clips/{id}/film", Need::Player),
];

/// What a token for players opens, which stands in the address and may be seen by others: it shows, and changes
/// nothing.
const BY_TOKEN: &[&str] = &[
    "/api/guide/playlist.m3u",
    "/api/guide/xmltv.xml",
    "/api/channels/{id}/on/master.m3u8",
    "/api/channels/{id}/on/{playlist}",
    "/api/channels/{id}/on/{film}/{track}/{segment}",
    "/api/channels/{id}/live/master.m3u8",
    "/api/channels/{id}/live/manifest.mpd",
    "/api/channels/{id}/live/{playlist}",
    "/api/channels/{id}/live/{track}/{segment}",
    "/api/channels/{id}/live/renditions/{rendition}/{playlist}",
    "/api/channels/{id}/live/renditions/{rendition}/{track}/{segment}",
    "/api/channels/{id}/play.m3u",
    "/api/films/{id}/master.m3u8",
    "/api/films/{id}/manifest.mpd",
    "/api/films/{id}/{playlist}",
    "/api/films/{id}/{track}/{segment}",
    "/api/films/{id}/play.m3u",
];

/// Whether a token for players opens this.
pub(crate) fn by_token(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && BY_TOKEN.contains(&path)
}

/// Whether a token opens what a path names: one of a film or channel that alone, one of the guide its channels.
pub(crate) fn opens(only: Option<&str>, path: &str, id: &str) -> bool {
    only.map_or_else(|| !path.starts_with("/api/films/"), |only| only == id)
}

/// The line of a method and path. `HEAD` is `GET` without the body.
pub(crate) fn find(method: &Method, path: &str) -> Option<Need> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    RULES.iter().find(|(m, p, _)| m == method && *p == path).map(|(_, _, need)| *need)
}

impl Need {
    /// The rule as the documentation has it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Known => "whoever is signed in, visitors by invite too",
            Self::Account => "any account",
            Self::Player => "players and owners",
            Self::Owner => "owners",
            Self::People => "the session's people: its account, owners, and whoever holds an invite to it",
            Self::Host => "the session's account and owners",
            Self::Household => "any account, in a profile without an age limit",
            Self::Sees => {
                "any account, and whoever is in a party that watches the film; within the age limit"
            }
            Self::Watches => {
                "players, owners, and whoever is in a party that watches the film; within the age limit"
            }
            Self::Streams => {
                "players, owners, and whoever is in a party that watches it; within the age limit and the account's \
                 number of streams"
            }
            Self::Party => "the party's people: its host, owners, and whoever came by an invite to it",
            Self::PartyHost => "the party's host and owners",
            Self::Channel => "the account that made the channel, and owners",
            Self::Local => "this machine itself, and owners",
        }
    }
}
