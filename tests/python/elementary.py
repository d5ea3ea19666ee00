"""Values of exp2, of both forms of GELU and of their derivatives, by mpmath with 60 digits: elementary.py > ../golden/elementary.json

Made with mpmath 1.2.1 (Debian's python3-mpmath). Each value is rounded once, to the nearest double.
"""
import json

import mpmath as m

m.mp.dps = 60
TANH_CUBIC = m.mpf("0.044715")
LOGISTIC_SCALE = m.sqrt(8 / m.pi)


def gelu_erf(u):
    distribution = m.erfc(-u / m.sqrt(2)) / 2
    density = m.exp(-u * u / 2) / m.sqrt(2 * m.pi)
    return u * distribution, distribution + u * density


def gelu_tanh(u):
    argument = LOGISTIC_SCALE * (u + TANH_CUBIC * u**3)
    logistic = 1 / (1 + m.exp(-argument))
    rate = logistic / (1 + m.exp(argument)) * LOGISTIC_SCALE * (1 + 3 * TANH_CUBIC * u**2)
    return u * logistic, logistic + u * rate


# where the approximations of src/engine/reference/gelu.ts meet, both zeros of the derivatives nearly, and steps that no binary fraction has
ARGUMENTS = [0.67448975, 0.6744897501, 5.657, 5.6570000001, 1e-300, 1e-10, 0.001, 0.75, 0.7517915, 10, 100, 1e6]
ARGUMENTS += [k / 10 for k in range(1, 20)] + [k * 0.74 for k in range(3, 51)]

rows = []
for x in sorted({sign * x for x in ARGUMENTS for sign in (-1, 1)} | {0.0}):
    u = m.mpf(x)
    erf, tanh = gelu_erf(u), gelu_tanh(u)
    exp2 = float(m.mpf(2) ** u) if -126 <= x <= 127 else None
    rows.append({
        "x": x,
        "exp2": exp2,
        "erf": [float(value) for value in erf],
        "tanh": [float(value) for value in tanh],
    })

note = "exp2(x), and GELU(x) and its derivative by each form: tests/python/elementary.py, mpmath with 60 digits"
lines = ",\n".join(json.dumps(row) for row in rows)
print(f'{{"note": {json.dumps(note)}, "rows": [\n{lines}\n]}}')
