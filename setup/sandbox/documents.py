"""Valid CPF and CNPJ, made up."""


def cpf(number: int) -> str:
    """:param number: nine digits at most"""
    digits = f"{number:09d}"
    for _ in range(2):
        weights = range(len(digits) + 1, 1, -1)
        digits += _check_digit(digits, weights)
    return digits


def cnpj(root: int) -> str:
    """Of a head office. :param root: eight digits at most"""
    digits = f"{root:08d}0001"
    for _ in range(2):
        weights = [2 + place % 8 for place in range(len(digits))]
        digits += _check_digit(digits, reversed(weights))
    return digits


def _check_digit(digits: str, weights) -> str:
    total = sum(
        int(digit) * weight for digit, weight in zip(digits, weights, strict=True)
    )
    rest = total % 11
    return str(11 - rest if rest > 1 else 0)
