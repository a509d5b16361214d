"""Judges the broker by paho and by mosquitto's clients. Usage: judge.py BROKER FOLDER

Starts BROKER, which writes its certificates to FOLDER (see crates/broker/examples/broker), and ends with the number of
checks that passed, and 1 if one failed.
"""

import queue
import ssl
import subprocess
import sys
import time

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE = 20
V3, V5 = paho.MQTTv311, paho.MQTTv5
NAMES = {V3: "3.1.1", V5: "5"}
certificates = ""
plain = tls = 0


class Client:
    """A connection of paho's, with what came in queues."""

    def __init__(self, version, name="", clean=True, port=None, keepalive=60, expiry=None, certificate=None, **more):
        self.messages, self.acks, self.ends, self.connected = (queue.Queue() for _ in range(4))
        clean_argument = {} if version == V5 else {"clean_session": clean}
        self.paho = paho.Client(paho.CallbackAPIVersion.VERSION2, name, protocol=version, reconnect_on_failure=False,
                                **clean_argument)
        self.paho.on_connect = lambda _c, _u, flags, reason, properties: self.connected.put((flags, reason, properties))
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self.paho.on_publish = lambda _c, _u, _id, reason, _p: self.acks.put(reason)
        self.paho.on_subscribe = lambda _c, _u, _id, reasons, _p: self.acks.put(reasons)
        self.paho.on_unsubscribe = lambda _c, _u, _id, reasons, _p: self.acks.put(reasons)
        self.paho.on_disconnect = self.ended
        if "will" in more:
            self.paho.will_set(*more["will"], properties=more.get("will_properties"))
        if "login" in more:
            self.paho.username_pw_set(*more["login"])
        if certificate is not None:
            pair = [f"{certificates}/{certificate}.{kind}" for kind in ("pem", "key")] if certificate else [None, None]
            self.paho.tls_set(f"{certificates}/authority.pem", *pair, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        properties = None
        if version == V5:
            properties = Properties(PacketTypes.CONNECT)
            if expiry is not None:
                properties.SessionExpiryInterval = expiry
        host, port = "localhost", port or (plain if certificate is None else tls)
        arguments = {"clean_start": clean, "properties": properties} if version == V5 else {}
        self.paho.connect(host, port, keepalive, **arguments)
        self.paho.loop_start()
        answer = self.connected.get(timeout=PATIENCE)
        if answer is None:
            self.paho.loop_stop()
            raise ConnectionError("the broker closed the connection")
        self.flags, self.reason, self.properties = answer

    def ended(self, _client, _user, _flags, reason, _properties):
        self.ends.put(reason)
        self.connected.put(None)

    def subscribe(self, *arguments, **more):
        self.paho.subscribe(*arguments, **more)
        return self.acks.get(timeout=PATIENCE)

    def publish(self, *arguments, **more):
        self.paho.publish(*arguments, **more)
        return self.acks.get(timeout=PATIENCE)

    def take(self, count=1):
        return [self.messages.get(timeout=PATIENCE) for _ in range(count)]

    def texts(self, count=1):
        return [message.payload.decode() for message in self.take(count)]

    def end(self):
        self.paho.disconnect()
        self.ends.get(timeout=PATIENCE)
        self.paho.loop_stop()

    def cut(self):
        """Without a word."""
        self.paho._sock_close()
        self.paho.loop_stop()


checks = []


def check(function):
    checks.append(function)
    return function


def same(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


@check
def messages_of_every_quality_both_ways(version):
    one, two = Client(version), Client(version)
    for qos in (0, 1, 2):
        same([code.value for code in one.subscribe(f"quality/{qos}", qos)], [qos])
        for sent in (0, 1, 2):
            two.publish(f"quality/{qos}", f"{qos} {sent}", sent)
            (message,) = one.take()
            same((message.payload.decode(), message.qos, message.retain), (f"{qos} {sent}", min(qos, sent), False))
    payload = bytes(range(256)) * 900
    two.publish("quality/2", payload, 2)
    same(one.take()[0].payload, payload)
    one.end(), two.end()


@check
def many_messages_in_order(version):
    one, two = Client(version), Client(version)
    one.subscribe("many", 2)
    for qos in (1, 2):
        for n in range(500):
            two.paho.publish("many", str(n), qos)
        same(one.texts(500), [str(n) for n in range(500)])
    one.end(), two.end()


@check
def retained_messages(version):
    one = Client(version)
    one.publish("kept/a", "first", 1, True)
    one.publish("kept/a", "second", 1, True)
    one.publish("kept/b", "b", 2, True)
    one.subscribe("kept/+", 1)
    same(sorted((m.topic, m.payload.decode(), m.retain) for m in one.take(2)),
         [("kept/a", "second", True), ("kept/b", "b", True)])
    one.publish("kept/a", "", 1, True)
    one.publish("kept/b", "", 1, True)
    one.take(2)
    two = Client(version)
    two.subscribe("kept/#", 1)
    one.publish("kept/end", "end", 1)
    same(two.texts(), ["end"])
    one.end(), two.end()


@check
def wildcards(version):
    one, two = Client(version), Client(version)
    for filter, yes, no in [("w/+/c", "w/b/c", "w/b/b/c"), ("w/#", "w", "v"), ("+/x", "y/x", "$own/x"), ("/+", "/z", "z")]:
        one.subscribe(filter, 1)
        two.publish(no, "no", 1)
        two.publish(yes, "yes", 1)
        same([(m.topic, m.payload) for m in one.take()], [(yes, b"yes")])
        one.paho.unsubscribe(filter)
        one.acks.get(timeout=PATIENCE)
    one.end(), two.end()


@check
def wills(version):
    watcher = Client(version)
    watcher.subscribe("will/#", 2)
    Client(version, will=("will/no", "no", 1, False)).end()
    Client(version, will=("will/yes", "yes", 2, False)).cut()
    same(watcher.texts(), ["yes"])
    if version == V5:
        delayed = Properties(PacketTypes.WILLMESSAGE)
        delayed.WillDelayInterval = 1
        before = time.monotonic()
        Client(version, "delayed", expiry=60, will=("will/later", "later", 1, False), will_properties=delayed).cut()
        same(watcher.texts(), ["later"])
        assert time.monotonic() - before >= 1, "it was too early"
    watcher.end()


@check
def persistent_sessions(version):
    expiry = 60 if version == V5 else None
    Client(version, "persistent", clean=True).end()
    one = Client(version, "persistent", clean=False, expiry=expiry)
    same(one.flags.session_present, False)
    one.subscribe([("away/1", 1), ("away/2", 2)])
    one.cut()
    two = Client(version)
    for n in range(50):
        two.publish(f"away/{n % 2 + 1}", str(n), n % 2 + 1)
    one = Client(version, "persistent", clean=False, expiry=expiry)
    same(one.flags.session_present, True)
    came = [int(text) for text in one.texts(50)]
    for part in (0, 1):
        same([n for n in came if n % 2 == part], list(range(part, 50, 2)))
    one.end()
    Client(version, "persistent", clean=True).end()
    one = Client(version, "persistent", clean=False)
    same(one.flags.session_present, False)
    one.end(), two.end()


@check
def takeover(version):
    one = Client(version, "twice")
    two = Client(version, "twice")
    ended = one.ends.get(timeout=PATIENCE)
    if version == V5:
        same(ended.getName(), "Session taken over")
    two.subscribe("taken", 1)
    two.publish("taken", "here", 1)
    same(two.texts(), ["here"])
    two.end()


@check
def large_payload_is_refused(version):
    one = Client(version)
    one.subscribe("large", 1)
    one.publish("large", b"x" * (250 * 1024), 1)
    same(len(one.take()[0].payload), 250 * 1024)
    one.paho.publish("large", b"x" * (300 * 1024), 1)
    ended = one.ends.get(timeout=PATIENCE)
    if version == V5:
        same(ended.getName(), "Packet too large")


@check
def rights(version):
    def narrow(password="secret"):
        return Client(version, login=("narrow", password))

    wrong = narrow("guessed")
    assert wrong.reason.is_failure, wrong.reason
    assert wrong.reason.getName() == "Bad user name or password", wrong.reason
    one = narrow()
    same([code.value for code in one.subscribe("narrow/#", 1)], [1])
    same([code.value for code in one.subscribe("wide/#", 1)], [0x87 if version == V5 else 0x80])
    one.publish("narrow/own", "mine", 1)
    same(one.texts(), ["mine"])
    everybody = Client(version)
    everybody.subscribe("wide/#", 1)
    if version == V5:
        same(one.publish("wide/1", "stolen", 1).getName(), "Not authorized")
        # Of PUBREC paho tells nothing: it goes on, and tells what it is answered then.
        assert one.publish("wide/1", "stolen", 2).is_failure
        one.end()
    else:
        one.paho.publish("wide/1", "stolen", 1)
        one.ends.get(timeout=PATIENCE)
    everybody.publish("wide/1", "fine", 1)
    same(everybody.texts(), ["fine"])
    everybody.end()


@check
def certificates_say_who_it_is(version):
    one = Client(version, certificate="sensor-1")
    one.subscribe("sense/sensor-1/#", 1)
    one.publish("sense/sensor-1/batch", "mine", 1)
    same(one.texts(), ["mine"])
    assert one.subscribe("sense/sensor-2/#", 1)[0].is_failure
    one.end()
    revoked = Client(version, certificate="revoked")
    same(revoked.reason.getName(), "Not authorized")
    for stranger in ("", "foreign", "expired"):
        try:
            came = Client(version, certificate=stranger)
        except OSError:
            continue
        raise AssertionError(f"{stranger or 'who has none'} came in: {came.reason}")


@check
def silence_ends_a_connection(version):
    watcher = Client(version)
    watcher.subscribe("silent", 1)
    one = Client(version, keepalive=1, will=("silent", "gone", 1, False))
    # Paho no longer sends pings, nor anything else.
    one.paho.loop_stop()
    same(watcher.texts(), ["gone"])
    watcher.end()


@check
def what_version_5_adds(version):
    if version != V5:
        return
    one, two = Client(V5), Client(V5)
    assert one.properties.AssignedClientIdentifier, "an id is chosen"
    same(one.properties.MaximumPacketSize, 256 * 1024)
    numbered = Properties(PacketTypes.SUBSCRIBE)
    numbered.SubscriptionIdentifier = 42
    one.subscribe("five/#", options=SubscribeOptions(1, noLocal=True, retainAsPublished=True), properties=numbered)
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("a", "1"), ("a", "2")]
    properties.ContentType = "text/plain"
    properties.ResponseTopic = "answers"
    properties.CorrelationData = b"77"
    properties.MessageExpiryInterval = 100
    properties.PayloadFormatIndicator = 1
    one.publish("five/own", "not to myself", 1)
    two.publish("five/x", "x", 1, True, properties=properties)
    (message,) = one.take()
    found = message.properties
    same((found.UserProperty, found.ContentType, found.ResponseTopic), ([("a", "1"), ("a", "2")], "text/plain", "answers"))
    same((found.CorrelationData, found.SubscriptionIdentifier, message.retain), (b"77", [42], True))
    assert 98 <= found.MessageExpiryInterval <= 100
    same(two.publish("nobody/listens", "x", 1).getName(), "No matching subscribers")
    aliased = Properties(PacketTypes.PUBLISH)
    aliased.TopicAlias = 3
    two.publish("five/alias", "1", 1, properties=aliased)
    two.publish("", "2", 1, properties=aliased)
    same([(m.topic, m.payload) for m in one.take(2)], [("five/alias", b"1"), ("five/alias", b"2")])
    two.publish("five/x", "", 1, True)
    workers = [Client(V5) for _ in range(3)]
    for worker in workers:
        worker.subscribe("$share/group/jobs", 1)
    for n in range(9):
        two.publish("jobs", str(n), 1)
    same(sorted(sum((worker.texts(3) for worker in workers), [])), [str(n) for n in range(9)])
    for client in (one, two, *workers):
        client.end()


@check
def mosquitto_clients(version):
    name = {V3: "mqttv311", V5: "mqttv5"}[version]
    secure = ["-h", "localhost", "-p", str(tls), "--cafile", f"{certificates}/authority.pem", "--cert",
              f"{certificates}/sensor-2.pem", "--key", f"{certificates}/sensor-2.key"]
    for where in (["-h", "localhost", "-p", str(plain)], secure):
        for qos in ("0", "1", "2"):
            topic = f"sense/sensor-2/{name}/{qos}"
            # With the retained message it does not matter which of them is first.
            publish = ["mosquitto_pub", "-V", name, *where, "-t", topic, "-q", qos, "-r", "-m", f"hello {qos}"]
            subscribe = ["mosquitto_sub", "-V", name, *where, "-t", topic, "-q", qos, "-C", "1", "-W", str(PATIENCE)]
            subprocess.run(publish, check=True, timeout=PATIENCE)
            got = subprocess.run(subscribe, check=True, capture_output=True, text=True, timeout=2 * PATIENCE)
            same(got.stdout, f"hello {qos}\n")
    refused = ["mosquitto_pub", "-V", name, "-h", "localhost", "-p", str(plain), "-u", "narrow", "-P", "wrong", "-t", "x", "-m", "x"]
    assert subprocess.run(refused, capture_output=True, timeout=PATIENCE).returncode != 0, "a wrong password"
    foreign = [argument.replace("sensor-2", "foreign") for argument in secure]
    refused = ["mosquitto_pub", "-V", name, *foreign, "-t", "sense/sensor-1/x", "-q", "1", "-m", "x"]
    assert subprocess.run(refused, capture_output=True, timeout=PATIENCE).returncode != 0, "a foreign certificate"


def main():
    global certificates, plain, tls
    program, certificates = sys.argv[1:]
    broker = subprocess.Popen([program, certificates], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    failed = 0
    try:
        words = broker.stdout.readline().split()
        plain, tls = int(words[1]), int(words[3])
        for version in (V3, V5):
            for function in checks:
                name = f"{function.__name__.replace('_', ' ')} (MQTT {NAMES[version]})"
                try:
                    function(version)
                    print(f"ok: {name}")
                except Exception as error:  # whatever it is, the others are judged too
                    failed += 1
                    print(f"FAILED: {name}: {type(error).__name__}: {error}")
                assert broker.poll() is None, "the broker has ended"
    finally:
        broker.stdin.close()
        broker.wait(PATIENCE)
    print(f"paho and mosquitto: {2 * len(checks) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
