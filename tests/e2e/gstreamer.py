#!/usr/bin/python3
"""A WHIP publisher and a WHEP receiver of another make: GStreamer's webrtcbin (with libnice, OpenSSL and libsrtp).

    gstreamer.py publish vp8|h264 URL     publishes a test picture and a test tone
    gstreamer.py receive vp8|h264 URL     decodes one picture and one sound

Says one JSON object per line: `{"state": "connected"}`, and twice a second what was decoded so far.
A line on standard input (or its end) sends DELETE to the session's Location, says its status, and ends.
"""

import http.client
import json
import sys
import threading
import urllib.parse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PICTURE = "video/x-raw,width=640,height=360,framerate=30/1"

# No key frame of its own accord after the first: whoever comes later lives by the node asking for one.
PUBLISHED = {
    "vp8": "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=9000 target-bitrate=800000"
    " ! rtpvp8pay picture-id-mode=2 ! application/x-rtp,media=video,encoding-name=VP8,payload=96",
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=9000 bitrate=800"
    " ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency"
    " ! application/x-rtp,media=video,encoding-name=H264,payload=96",
}
SOUND = (
    "audiotestsrc is-live=true wave=ticks ! audioconvert ! audioresample ! opusenc"
    " ! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! rtc."
)
RECEIVED = {
    "vp8": "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000,"
    "rtcp-fb-nack-pli=true",
    "h264": "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,"
    "packetization-mode=(string)1,profile-level-id=(string)42e01f,rtcp-fb-nack-pli=true",
}
OPUS = (
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2"
)


def say(**what):
    print(json.dumps(what), flush=True)


class Session:
    """One HTTP resource: POST of the offer, DELETE."""

    def __init__(self, url):
        self.base = urllib.parse.urlsplit(url)
        self.location = None

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=30)
        headers = {"Content-Type": "application/sdp"} if body else {}
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def post(self, offer):
        path = self.base.path + ("?" + self.base.query if self.base.query else "")
        answer = self._ask("POST", path, offer)
        text = answer.read().decode()
        if answer.status != 201:
            raise RuntimeError(f"POST: {answer.status} {text}")
        self.location = urllib.parse.urlsplit(answer.getheader("Location")).path
        return text

    def delete(self):
        return self._ask("DELETE", self.location).status


class Peer:
    def __init__(self, mode, codec, url):
        self.loop = GLib.MainLoop()
        self.session = Session(url)
        self.decoded = {"video": 0, "audio": 0, "width": 0}
        self.is_offered = False
        rtc = "webrtcbin name=rtc bundle-policy=max-bundle latency=100"
        if mode == "publish":
            source = f"videotestsrc is-live=true pattern=ball ! {PICTURE} ! videoconvert ! queue"
            description = f"{rtc} {source} ! {PUBLISHED[codec]} ! rtc. {SOUND}"
        else:
            description = rtc
        self.pipeline = Gst.Pipeline() if mode != "publish" else Gst.parse_launch(description)
        if mode == "receive":
            rtc = Gst.ElementFactory.make("webrtcbin", "rtc")
            rtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
            self.pipeline.add(rtc)
        self.rtc = self.pipeline.get_by_name("rtc")
        # Without this libnice leaves the loopback addresses out. Kept for good: the binding takes the reference
        # that is webrtcbin's own.
        self.ice = self.rtc.get_property("ice-agent")
        self.ice.emit("add-local-ip-address", "127.0.0.1")
        self.rtc.connect("notify::ice-gathering-state", self.on_gathering)
        self.rtc.connect("notify::connection-state", self.on_connection)
        self.rtc.connect("pad-added", self.on_pad)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)
        self.pipeline.set_state(Gst.State.READY)
        if mode == "receive":
            for caps in (OPUS, RECEIVED[codec]):
                direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
                self.rtc.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
            self.offer(self.rtc)
        else:
            for number in range(2):
                transceiver = self.rtc.emit("get-transceiver", number)
                direction = GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY
                transceiver.set_property("direction", direction)
            self.rtc.connect("on-negotiation-needed", self.offer)
        self.pipeline.set_state(Gst.State.PLAYING)
        GLib.timeout_add(500, self.report)
        threading.Thread(target=self.wait_for_end, daemon=True).start()

    def offer(self, rtc):
        if not self.is_offered:
            self.is_offered = True
            rtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer))

    def on_offer(self, promise):
        # The description lives in the reply, which must not be thrown away before it is used.
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self.rtc.emit("set-local-description", offer, Gst.Promise.new())

    def on_gathering(self, rtc, _):
        state = rtc.get_property("ice-gathering-state")
        if state == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.negotiate)

    def negotiate(self):
        offer = self.rtc.get_property("local-description").sdp.as_text()
        _, sdp = GstSdp.SDPMessage.new_from_text(self.session.post(offer))
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.rtc.emit("set-remote-description", answer, Gst.Promise.new())
        return False

    def on_connection(self, rtc, _):
        say(state=rtc.get_property("connection-state").value_nick)

    def on_pad(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        decoder = Gst.ElementFactory.make("decodebin")
        decoder.connect("pad-added", self.on_decoded)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def on_decoded(self, _, pad):
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("signal-handoffs", True)
        sink.connect("handoff", self.on_buffer)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def on_buffer(self, _, __, pad):
        caps = pad.get_current_caps().get_structure(0)
        kind = caps.get_name().split("/")[0]
        self.decoded[kind] += 1
        if kind == "video":
            self.decoded["width"] = caps.get_value("width")

    def report(self):
        say(**self.decoded)
        return True

    def on_error(self, _, message):
        error, _ = message.parse_error()
        say(error=error.message)
        self.loop.quit()

    def wait_for_end(self):
        sys.stdin.readline()
        say(deleted=self.session.delete() if self.session.location else 0)
        self.loop.quit()


if __name__ == "__main__":
    Gst.init(None)
    _, mode, codec, url = sys.argv
    peer = Peer(mode, codec, url)
    peer.loop.run()
    peer.pipeline.set_state(Gst.State.NULL)
