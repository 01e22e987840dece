"""Why msgspec: ``python tests/performance/decoding_speed.py``.

The same 100,000 call records, each decoded by itself, by the gateway's own decoder, by
msgspec into a bare struct, and by pydantic into a model of the same fields. The best of
three runs counts.
"""

import json
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[2] / "saperx_voip"))

import msgspec
import pydantic
from gateway import wire

RECORDS = 100_000
RUNS = 3


class PydanticCall(pydantic.BaseModel):
    id: str | int
    conta: str
    sentido: str
    origem: str
    destino: str
    inicio: str
    tempo_total: int | str
    tempo_real: int | str
    situacao: str
    circuito_id: int | None = None
    a_cobrar: bool = False
    tempo_tarifado: int | str | None = None
    tipo: str | None = None
    valor_cobrado: str | float | None = None
    valor_custo: str | float | None = None
    cidade_destino: str | None = None


def make_records() -> list[bytes]:
    return [
        json.dumps(
            {
                "id": f"2610-{number}",
                "circuito_id": number % 5000,
                "conta": f"{100000 + number % 5000}",
                "sentido": "saida",
                "origem": "555433334444",
                "destino": f"5511{930000000 + number}",
                "inicio": f"2026-10-{1 + number % 31:02} 10:{number % 60:02}:00",
                "tempo_total": number % 600 + 8,
                "tempo_real": f"00:{number % 600 // 60:02}:{number % 60:02}",
                "tempo_tarifado": number % 600,
                "tipo": "VC3",
                "situacao": "atendida",
                "valor_cobrado": "1.234,56",
                "valor_custo": 0.0456,
                "cidade_destino": "São Paulo",
            }
        ).encode()
        for number in range(RECORDS)
    ]


def per_second(decode, records) -> float:
    best = float("inf")
    for _run in range(RUNS):
        began = time.perf_counter()
        for raw in records:
            decode(raw)
        best = min(best, time.perf_counter() - began)
    return len(records) / best


def measure() -> dict[str, float]:
    """Records per second on one core, by decoder."""
    records = make_records()
    zone = ZoneInfo("America/Sao_Paulo")
    struct = msgspec.json.Decoder(wire._Ligacao)
    return {
        "the gateway's own decoder, whole": per_second(
            lambda raw: wire.decode_call(raw, zone), records
        ),
        "msgspec, fields only": per_second(struct.decode, records),
        "pydantic, fields only": per_second(PydanticCall.model_validate_json, records),
    }


if __name__ == "__main__":
    for name, figure in measure().items():
        print(f"{figure:>12,.0f} records/s  {name}")
