"""The boot-sector guests as `nasm -f bin` makes them of their sources, in hexadecimal.

What belongs here: the bytes, without the zeros that follow them and the mark at the sector's end. What does not: what they do;
that is in the sources beside this module and in `catalogue`. A test assembles the sources again and compares.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MACHINE_CODE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "counter": (
            "fa31c08ed88ec08ed0bc007cbea07ce87200c706c4017a7cc706c6010000ba0206b80001efb280beb47cb442cd13fab8fafde62188e0e6a1"
            "668b1e6c046683c304fbf4663b1e6c0477f7ff06707ca1707cbf767cb90a0031d2f7f180c23088154f81ff727c73f0fabe727ce81600ebbf"
            "000030303030300d0a00ba0406b80020eff4ebfdac84c07405e80300ebf6c35250bafd03eca82074fb58baf803ee5ac37669727470726f6f"
            "6620636f756e7465720d0a00100008000080000001"
        ),
        "deaf": (
            "fa31c08ed88ec08ed0bc007cbe4f7ce82100b280be607cb442cd13fab8ffffe62188e0e6a1b030e64330c0e640e640fbf4ebfcac84c07405"
            "e80300ebf6c35250bafd03eca82074fb58baf803ee5ac37669727470726f6f6620646561660d0a00100008000080000001"
        ),
        "filler": (
            "fa31c08ed88ec08ed0bc007cbe937ce86500c706c4015d7cc706c6010000ba0206b80001efb8fbfde62188e0e6a1b280bea67cb442cd13fa"
            "fb90fab80043b280be677ccd1372086683066f7c40ebe9b030e64330c0e640e640fbf4ebfcba0406b80020eff4ebfd10004000000000f000"
            "08000000000000ac84c07405e80300ebf6c35250bafd03eca82074fb58baf803ee5ac37669727470726f6f662066696c6c65720d0a001000"
            "08000080000001"
        ),
        "obedient": (
            "fa31c08ed88ec08ed0bc007cbe6c7ce83e00c706c401467cc706c6010000ba0206b80001efb8fbfde62188e0e6a1b280be817cb442cd13fa"
            "b030e64330c0e640e640fbf4ebfcba0406b80020eff4ebfdac84c07405e80300ebf6c35250bafd03eca82074fb58baf803ee5ac376697274"
            "70726f6f66206f62656469656e740d0a00100008000080000001"
        ),
        "panicker": (
            "fa31c08ed88ec08ed0bc007cbe8e7ce86000c706c401687cc706c6010000ba0206b80001efb280bea37cb442cd13fab8fafde62188e0e6a1"
            "668b1e6c046683c312fbf4663b1e6c0477f7faba0505b001eeb8ffffe62188e0e6a1b030e64330c0e640e640fbf4ebfcba0406b80020eff4"
            "ebfdac84c07405e80300ebf6c35250bafd03eca82074fb58baf803ee5ac37669727470726f6f662070616e69636b65720d0a001000080000"
            "80000001"
        ),
        "poweroff": (
            "fa31c08ed88ec08ed0bc007cbe707ce84200c706c4014a7cc706c6010000ba0206b80001efb280be857cb442cd13fab8fafde62188e0e6a1"
            "668b1e6c046683c312fbf4663b1e6c0477f7ba0406b80020eff4ebfdac84c07405e80300ebf6c35250bafd03eca82074fb58baf803ee5ac3"
            "7669727470726f6f6620706f7765726f66660d0a00100008000080000001"
        ),
        "releaser": (
            "fa31c08ed88ec08ed0bc007cbe927ce86400c706c4014c7cc706c6010000ba0206b80001efbae2afb002eeb8fbfde62188e0e6a1b280bea7"
            "7cb442cd13fab030e64330c0e640e640fbf4ebfcba0006eda900017517bae0afb002eeba04ae66edba08ae66efb020e6a0e620cfba0406b8"
            "0020eff4ebfdac84c07405e80300ebf6c35250bafd03eca82074fb58baf803ee5ac37669727470726f6f662072656c65617365720d0a0010"
            "0008000080000001"
        ),
        "reset": (
            "fa31c08ed88ec08ed0bc007cbeaa7ce87c00c706c401847cc706c6010000ba0206b80001efb8fbfde62188e0e6a1b280bebc7cb442cd13fa"
            "b06fe670e4713c5a742bb8fafde62188e0e6a1668b1e6c046683c312fbf4663b1e6c0477f7fab06fe670b05ae671b0fee664f4ebfdb8fbfd"
            "e62188e0e6a1b030e64330c0e640e640fbf4ebfcba0406b80020eff4ebfdac84c07405e80300ebf6c35250bafd03eca82074fb58baf803ee"
            "5ac37669727470726f6f662072657365740d0a00100008000080000001"
        ),
        "talker": (
            "fa31c08ed88ec08ed0bc007cbea17ce87300c706c4017b7cc706c6010000ba0206b80001efc7063000617cc70632000000baf903b001eeba"
            "fc03b00beeb280beb47cb442cd13fab8ebfde62188e0e6a1e81600b030e64330c0e640e640fbf4ebfce80500b020e620cfbafd03eca80174"
            "09baf803ece81800ebefc3ba0406b80020eff4ebfdac84c07405e80300ebf6c35250bafd03eca82074fb58baf803ee5ac37669727470726f"
            "6f662074616c6b65720d0a00100008000080000001"
        ),
    }
)
