// Queue length: how many people stand in the zones whose names begin with "Queue", and how long each of them did.
//
// Events: `length` whenever it changes (and once at the start), `waited` in seconds for each who leaves. Whoever just walks
// through is not counted: one stands who has been there for STANDING milliseconds.
//
// There is no C library here, and none is needed.

typedef unsigned int size;

__attribute__((import_module("playhouse"), import_name("emit"))) void emit(const char *name, size length, double value);
#define EMIT(name, value) emit(name, sizeof name - 1, value)

#define STANDING 3000 // milliseconds
#define MOST 128      // people who are followed at a time; more are not counted
#define LARGEST 8192  // bytes of one observation; longer ones (heat maps) are not wanted

static struct {
    long long since; // milliseconds since 1970
    unsigned track, zone;
    int taken, stands;
} people[MOST];

static char buffer[LARGEST + 1];
static int told = -1;

// Observations are JSON without spaces, and quotes within its strings are escaped, so that a search for a key and the
// beginning of its value finds nothing else.
static const char *after(const char *what) {
    for (const char *at = buffer; *at; at++) {
        size n = 0;
        while (what[n] && at[n] == what[n]) n++;
        if (!what[n]) return at + n;
    }
    return 0;
}

static long long number(const char *key) {
    const char *at = after(key);
    long long value = 0;
    while (at && *at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
    return value;
}

static void tell(void) {
    int length = 0;
    for (int n = 0; n < MOST; n++) length += people[n].taken && people[n].stands;
    if (length == told) return;
    told = length;
    EMIT("length", length);
}

static int place_of(unsigned track, unsigned zone) {
    for (int n = 0; n < MOST; n++)
        if (people[n].taken && people[n].track == track && people[n].zone == zone) return n;
    return -1;
}

static void entered(void) {
    if (!after("\"zone_name\":\"Queue") || !after("\"label_name\":\"person\"")) return;
    unsigned track = number("\"track\":"), zone = number("\"zone\":");
    if (place_of(track, zone) >= 0) return;
    for (int n = 0; n < MOST; n++) {
        if (people[n].taken) continue;
        people[n].taken = 1;
        people[n].stands = 0;
        people[n].track = track;
        people[n].zone = zone;
        people[n].since = number("\"at\":");
        return;
    }
}

// By its numbers alone: the zone may have been renamed or removed since.
static void exited(void) {
    int n = place_of(number("\"track\":"), number("\"zone\":"));
    if (n < 0) return;
    people[n].taken = 0;
    if (people[n].stands) EMIT("waited", number("\"dwelt_ms\":") / 1000.0);
    tell();
}

__attribute__((export_name("playhouse_abi"))) int playhouse_abi(void) { return 1; }

// One observation is told at a time, so that one place will do.
__attribute__((export_name("alloc"))) char *alloc(size length) { return length <= LARGEST ? buffer : 0; }

__attribute__((export_name("observe"))) void observe(char *json, size length) {
    json[length] = 0;
    if (after("\"kind\":\"entered\"")) entered();
    if (after("\"kind\":\"exited\"")) exited();
}

__attribute__((export_name("tick"))) void tick(long long now) {
    for (int n = 0; n < MOST; n++)
        if (people[n].taken && now - people[n].since >= STANDING) people[n].stands = 1;
    tell();
}
