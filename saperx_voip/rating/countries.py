"""Country codes of ITU-T E.164 and the length of their numbers.

Only used to tell whether digits can be an international number, and whether two digits
after ``00`` are a carrier code. Lengths are those of fixed and mobile numbers without
the country code, as compiled by libphonenumber (Apache-2.0); a code that names no
country (satellite, toll-free) has those of all its numbers.
"""

_CODES_BY_LENGTHS = {
    "4 5": "290",
    "4 5 6 7": "690",
    "4 5 6 7 8 9 10 11": "352",
    "4 5 6 7 8 9 10 11 12 13": "43",
    "4 7": "683",
    "5": "247 500 682",
    "5 6 7": "688",
    "5 6 7 8 9": "27",
    "5 6 7 8 9 10": "358",
    "5 6 7 8 9 10 11 12 13": "49",
    "5 6 7 10": "685",
    "5 6 8 9 10": "82",
    "5 7": "676 677 678",
    "5 8": "686",
    "6": "298 299 672 681 687",
    "6 7": "597",
    "6 7 8 9": "252 359",
    "6 7 8 9 10": "95 880",
    "6 7 8 9 10 11 12": "39",
    "6 7 8 10": "53",
    "6 7 9": "421",
    "6 7 10": "98",
    "6 8 9 10": "63",
    "6 9": "40 376 508",
    "7": "238 239 246 248 269 291 297 501 592 673 674 679 680 691 692 960",
    "7 8": "230 241 267 372 507 599 670 675 961 975",
    "7 8 9": "46 231 254 595 967",
    "7 8 9 10": "243 353",
    "7 8 9 10 11": "86",
    "7 8 9 10 11 12": "62 381 882",
    "7 9": "48 220 265 354 423",
    "8": (
        "45 47 65 216 222 223 226 227 228 232 235 236 253 257 266 268 350 356 357 370 "
        "371 373 374 382 386 389 502 503 504 505 506 509 591 598 689 800 808 852 853 "
        "965 968 973 974 993"
    ),
    "8 9": (
        "32 36 51 66 213 224 250 258 264 355 377 385 387 593 855 886 962 963 970 971"
    ),
    "8 9 10": "20 60 64 856 964 976",
    "8 9 10 11 12": "383 883",
    "8 9 11 12": "972",
    "8 10": "57 378 850 977",
    "9": (
        "33 34 41 56 61 93 94 211 212 218 221 233 237 240 242 244 245 249 251 255 256 "
        "260 261 262 263 351 375 380 420 590 594 596 966 979 992 994 995 996 998"
    ),
    "9 10": "44 81 84 92 881",
    "9 11": "31",
    "9 12": "870",
    "10": "1 7 30 52 58 90 91 225 229 234",
    "10 11": "54 55",
    "11": "888",
    "12": "878",
}

LENGTHS: dict[str, frozenset[int]] = {
    code: frozenset(map(int, lengths.split()))
    for lengths, codes in _CODES_BY_LENGTHS.items()
    for code in codes.split()
}


def country_code(digits: str) -> str | None:
    """The country code that digits in E.164 begin with, None if it is not assigned.

    No code begins another one, so the order does not matter.
    """
    for length in (2, 3, 1):
        if (code := digits[:length]) in LENGTHS:
            return code
    return None


def is_plausible(digits: str) -> bool:
    """Whether digits are a country code and as many digits as its numbers have."""
    code = country_code(digits)
    return code is not None and len(digits) - len(code) in LENGTHS[code]
