"""Writes tensorboard_events.json: frames that TensorBoard's own record writer and protobuf classes make.

python tests/golden/tensorboard_events.py   (made with tensorboard 2.21.0, protobuf 7.36.2)
"""

import io
import json
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


class Kept(io.BytesIO):
    def close(self):
        pass


def frame(event):
    out = Kept()
    writer = RecordWriter(out)
    writer.write(event.SerializeToString())
    writer.flush()
    return out.getvalue().hex()


def scalars(wall_time, step, values):
    summary = summary_pb2.Summary(
        value=[summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in values]
    )
    return frame(event_pb2.Event(wall_time=wall_time, step=step, summary=summary))


start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
frames = {
    "version": frame(event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2")),
    "start_at_0": frame(event_pb2.Event(wall_time=1700000000.5, step=0, session_log=start)),
    "start_at_300": frame(event_pb2.Event(wall_time=1700000000.5, step=300, session_log=start)),
    "scalars_at_0": scalars(1700000001.0, 0, [("train/loss", 3.25), ("train/lr", 0.0)]),
    "scalars_at_70000": scalars(1700000002.125, 70000, [("eval/val_loss", float("nan")), ("eval/rouge1", 0.4302)]),
    "long_tag": scalars(1700000003.0, 5, [("t" * 300, -1e30)]),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(frames, indent=1) + "\n")
