//! MQTT 5.0 beyond delivery, seen by paho: properties, options, sharing, limits.

use renata_peers::python_script;

use crate::support::Broker;

/// What every script begins with: clients that connect, subscribe and collect, with a deadline.
const PRELUDE: &str = r"
import sys, time
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.subscribeoptions import SubscribeOptions
port = int(sys.argv[1])
def wait(what, within=10):
    end = time.time() + within
    while not what():
        if time.time() > end: sys.exit('waited for nothing')
        time.sleep(0.005)
def props(kind, **values):
    p = Properties(kind)
    for k, v in values.items(): setattr(p, k, v)
    return p
class C:
    def __init__(self, name, clean=True, version=mqtt.MQTTv5, will=None, **connect):
        self.got, self.acks, self.subs, self.closed = [], {}, {}, []
        kw = {'clean_session': clean} if version != mqtt.MQTTv5 else {}
        c = self.c = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=version, **kw)
        c.on_message = lambda c, u, m: self.got.append(m)
        c.on_publish = lambda c, u, mid, reason, p: self.acks.__setitem__(mid, reason.value)
        c.on_subscribe = lambda c, u, mid, reasons, p: self.subs.__setitem__(mid, [r.value for r in reasons])
        c.on_connect = lambda c, u, flags, reason, p: setattr(self, 'connack', (flags, reason, p))
        c.on_disconnect = lambda c, u, flags, reason, p: self.closed.append(reason.value)
        if will: c.will_set(*will)
        more = {}
        if version == mqtt.MQTTv5:
            more = {'clean_start': clean}
            if connect: more['properties'] = props(PacketTypes.CONNECT, **connect)
        c.connect('127.0.0.1', port, **more)
        c.loop_start()
        wait(c.is_connected)
    def sub(self, topic, options=None, ident=None, **kw):
        p = props(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=ident) if ident else None
        if options is None: options = SubscribeOptions(qos=kw.pop('qos', 1), **kw)
        _, mid = self.c.subscribe(topic, options=options, properties=p)
        wait(lambda: mid in self.subs)
        return self.subs[mid]
    def pub(self, topic, payload=b'', qos=1, retain=False, **values):
        p = props(PacketTypes.PUBLISH, **values) if values else None
        info = self.c.publish(topic, payload, qos, retain, properties=p)
        if qos: wait(lambda: info.mid in self.acks); return self.acks[info.mid]
    def texts(self, count):
        wait(lambda: len(self.got) >= count)
        return [m.payload.decode() for m in self.got]
    def end(self):
        self.c.disconnect(); self.c.loop_stop()
";

fn says(script: &str, expected: &str) {
    let broker = Broker::open();
    let said = python_script(&format!("{PRELUDE}{script}"), &[&broker.port()])
        .unwrap_or_else(|e| panic!("{e}\n{}", broker.log()));
    assert_eq!(said.trim(), expected.trim(), "{}", broker.log());
}

#[test]
fn application_properties_pass_unchanged_and_in_order() {
    says(
        r"
a = C('a'); a.sub('t', ident=7)
a.pub('t', b'x', PayloadFormatIndicator=1, ContentType='application/json', ResponseTopic='r/a',
      CorrelationData=b'\x00\x01', UserProperty=[('k', '2'), ('k', '1'), ('j', '0')], MessageExpiryInterval=60)
wait(lambda: a.got)
p = a.got[0].properties
print(p.PayloadFormatIndicator, p.ContentType, p.ResponseTopic, p.CorrelationData, p.UserProperty)
print(p.SubscriptionIdentifier, 58 <= p.MessageExpiryInterval <= 60)
",
        r"
1 application/json r/a b'\x00\x01' [('k', '2'), ('k', '1'), ('j', '0')]
[7] True",
    );
}

#[test]
fn overlapping_subscriptions_deliver_once_with_every_identifier_and_the_highest_qos() {
    says(
        r"
a = C('a')
a.sub('p/+', ident=1, qos=0); a.sub('p/#', ident=2, qos=2); a.sub('p/x', ident=3, qos=1)
a.pub('p/x', b'x', qos=2); a.pub('end', b''); a.sub('p/end'); a.pub('p/end', b'end')
a.texts(2)
print(len(a.got), a.got[0].qos, sorted(a.got[0].properties.SubscriptionIdentifier))
",
        "2 2 [1, 2, 3]",
    );
}

#[test]
fn subscription_options_are_obeyed() {
    says(
        r"
a = C('a'); b = C('b')
b.pub('r/1', b'kept', retain=True)
print(a.sub('r/#', retainHandling=2), a.sub('own', noLocal=True))
a.pub('own', b'mine'); b.pub('own', b'theirs')
print(a.texts(1))
a.sub('r/#', retainHandling=1)
b.pub('own', b'still')
print(a.texts(2))
a.sub('r/+', retainHandling=1)
print(a.texts(3), a.got[2].retain)
a.sub('r/+', retainHandling=0, retainAsPublished=True)
print(a.texts(4), a.got[3].retain)
b.pub('r/1', b'live', retain=True); print(a.texts(5)[4], a.got[4].retain)
c = C('c'); c.sub('r/1', retainHandling=2); b.pub('r/1', b'again', retain=True); print(c.texts(1), c.got[0].retain)
",
        r"
[1] [1]
['theirs']
['theirs', 'still']
['theirs', 'still', 'kept'] True
['theirs', 'still', 'kept', 'kept'] True
live True
['again'] False",
    );
}

#[test]
fn a_group_shares_and_takes_over_what_a_member_left_unacknowledged() {
    says(
        r"
members = [C('m%d' % n) for n in range(3)]
for m in members: m.sub('$share/g/work/#')
p = C('p')
for n in range(30): p.pub('work/%d' % n, str(n))
wait(lambda: sum(len(m.got) for m in members) == 30)
print([len(m.got) for m in members], sorted(int(m.payload) for c in members for m in c.got) == list(range(30)))
for m in members[1:]: m.end()
stuck = C('stuck', ReceiveMaximum=2)
stuck.c.on_message = lambda c, u, m: time.sleep(3600)
stuck.sub('$share/h/jobs'); 
for n in range(10): p.pub('jobs', str(n))
heir = members[0]
heir.got.clear(); heir.sub('$share/h/jobs')
import socket; stuck.c.socket().shutdown(socket.SHUT_RDWR)
print(sorted(int(t) for t in heir.texts(10)))
import os; sys.stdout.flush(); os._exit(0)
",
        r"
[10, 10, 10] True
[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]",
    );
}

#[test]
fn limits_and_terms_are_told_in_connack_and_kept() {
    says(
        r"
a = C('', SessionExpiryInterval=0xffffffff)
p = a.connack[2]
print(p.AssignedClientIdentifier != '', p.ReceiveMaximum, p.MaximumPacketSize, p.TopicAliasMaximum, p.SessionExpiryInterval)
small = C('small', MaximumPacketSize=200); small.sub('s')
a.pub('s', b'x' * 300); a.pub('s', b'fits'); print(small.texts(1))
print(a.sub('$SYS/broker/version'), a.sub('$other/#'))
",
        r"
True 1000 1048576 64 2592000
['fits']
[1] [135]",
    );
}
