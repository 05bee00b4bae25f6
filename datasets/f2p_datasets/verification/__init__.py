"""Face verification sets: pairs of pictures and whether they show the same person.

    open_verification_set(path) -> VerificationSet -> aligned_pictures(set.pictures, template, resolution)

lfw.py            LFW's pairs*.txt with its folders of photos, View 1 and View 2
cfp.py            CFP's protocol splits, frontal-frontal and frontal-profile
pair_lists.py     CALFW and CPLFW: two lines per pair
insightface_bin.py  insightface's .bin: a pickle of JPEGs, read by an unpickler that runs nothing
carray.py         face.evoLVe's bcolz folders
"""

from __future__ import annotations

from f2p_datasets.verification.aligning import AlignedPicture, aligned_pictures
from f2p_datasets.verification.formats import FORMATS, open_verification_set
from f2p_datasets.verification.sets import PhotoFiles, Pictures, SomePictures, VerificationSet

__all__ = [
    "FORMATS",
    "AlignedPicture",
    "PhotoFiles",
    "Pictures",
    "SomePictures",
    "VerificationSet",
    "aligned_pictures",
    "open_verification_set",
]
