"""Measure the statistics of dlib's embeddings that ``f2p_models/embedders/dlib_center.json`` ships.

    python infra/embedder/dlib_center.py PHOTOS [--people FILE] [--limit 1500] [--source TEXT] [--out FILE]

PHOTOS is a folder of one folder per person (the layout of LFW), of whom the first two photos count; FILE lists those
who may be looked at (LFW's ``peopleDevTrain.txt``), so that nobody who judges a creator later has shaped its center.
Photos in which dlib does not find exactly one face are left out. Measured are the mean embedding of the first photos,
and around it the distance 1 - cosine of all pairs of different people and of the two photos of one person. No photo and
no single embedding is stored.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from importlib.metadata import files
from itertools import islice
from pathlib import Path

import dlib
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from f2p_models.embedders.dlib_file import PACKAGE, find_weights, parse_weights
from f2p_models.embedders.dlib_resnet import DlibResNet, dlib_chip

PREDICTOR = "shape_predictor_68_face_landmarks.dat"
SUFFIXES = (".jpg", ".jpeg", ".png")
BATCH = 16


def main() -> None:
    """Read the arguments, measure, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--people", type=Path, help="a list of folders, one per line; what follows a tab is not read")
    parser.add_argument("--limit", type=int, default=1500, help="photos with a face to measure")
    parser.add_argument(
        "--source", default="", help="what the JSON says about the photos; the folder's name if not given"
    )
    parser.add_argument("--out", type=Path, default=Path("f2p_models/embedders/dlib_center.json"))
    arguments = parser.parse_args()
    weights, source = find_weights(), arguments.source or arguments.photos.resolve().name
    folders = listed(arguments.photos, arguments.people)
    people = list(islice(read_people(folders), arguments.limit))
    network = DlibResNet.from_weights(parse_weights(weights.read_bytes()))
    first = torch.cat(list(embed((chips[0] for chips in people), network)))
    both = [number for number, chips in enumerate(people) if len(chips) > 1]
    second = torch.cat(list(embed((people[number][1] for number in both), network)))
    found = statistic(first, second, torch.tensor(both), weights, source)
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{arguments.out}: {len(first)} people, {len(both)} of them with two photos")


def statistic(first: Tensor, second: Tensor, same: Tensor, weights: Path, source: str) -> dict[str, object]:
    """What is shipped: of (N, 128) embeddings of different people, and (M, 128) others of the people ``same`` (M,)."""
    center = first.double().mean(0)
    rows, others = (torch.nn.functional.normalize(each.double() - center, dim=1) for each in (first, second))
    different = torch.pdist(rows).square() / 2  # of unit vectors: 1 - cosine
    return {
        "about": "dlib embeddings of photos, two per person at most; made by infra/embedder/dlib_center.py",
        "num_photos": len(first),
        "photos": source,
        "embedder_file": weights.name,
        "embedder_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "different_people": spread(different),
        "same_person": spread(1.0 - (rows[same] * others).sum(1)),
        "center": [round(float(value), 7) for value in center],
    }


def spread(distances: Tensor) -> dict[str, float]:
    """Of distances 1 - cosine around the center."""
    return {
        "num_pairs": len(distances),
        "mean": round(float(distances.mean()), 4),
        "std": round(float(distances.std()), 4),
    }


def embed(chips: Iterator[Tensor], network: DlibResNet) -> Iterator[Tensor]:
    """Chips (3, 150, 150) -> batches of embeddings (B, 128)."""
    while batch := list(islice(chips, BATCH)):
        with torch.no_grad():
            yield network(torch.stack(batch))


def listed(photos: Path, people: Path | None) -> list[Path]:
    """All entries of the folder, or those that the list names."""
    if people is None:
        return list(photos.iterdir())
    names = {line.split("\t")[0] for line in people.read_text(encoding="utf-8").splitlines()}
    return [photos / name for name in names if (photos / name).is_dir()]


def read_people(folders: list[Path]) -> Iterator[list[Tensor]]:
    """One or two chips (3, 150, 150) of each person, of the photos with exactly one face."""
    predictor_file = next(path for path in files(PACKAGE) or () if path.name == PREDICTOR)
    detector, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(predictor_file.locate()))
    for photos in two_photos_each(folders):
        chips = []
        for path in photos:
            photo = squared(np.asarray(Image.open(path).convert("RGB")))
            faces = detector(photo, 1)
            if len(faces) == 1:
                landmarks = np.array([(point.x, point.y) for point in predictor(photo, faces[0]).parts()], np.float64)
                chips.append(cut_chip(photo, landmarks))
        if chips:
            yield chips


def cut_chip(photo: npt.NDArray[np.uint8], landmarks: npt.NDArray[np.float64]) -> Tensor:
    """Photo (H, H, 3) and landmarks (68, 2) in pixels -> chip (3, 150, 150) in [0, 1]."""
    pictures = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255
    chip: Tensor = dlib_chip((landmarks + 0.5) / photo.shape[0])(pictures)[0]
    return chip


def squared(photo: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The photo on a black square of its longer side, flush with the upper left corner."""
    height, width = photo.shape[:2]
    side = max(height, width)
    return np.pad(photo, ((0, side - height), (0, side - width), (0, 0)))


def two_photos_each(folders: list[Path]) -> Iterator[list[Path]]:
    """The first two photos of each folder, in an order that owes nothing to names."""
    for entry in sorted(folders, key=lambda path: hashlib.sha256(path.name.encode()).digest()):
        photos = sorted(entry.iterdir()) if entry.is_dir() else [entry]
        yield [path for path in photos if path.suffix.lower() in SUFFIXES][:2]


if __name__ == "__main__":
    main()
