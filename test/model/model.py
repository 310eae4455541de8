#!/usr/bin/env python3
"""A second opinion on the models: prints the figures that sql/model.sql has.

    python3 test/model/model.py        (needs scipy and mpmath; not run by script/test)

Nothing here is the way the extension computes it. What a customer with known traits does has a short formula; it is
integrated over the traits by quadrature. Fits use the closed forms of the papers with scipy's own hypergeometric
function and its Nelder-Mead search, and standard errors come from second differences of the likelihood. The
histories are read from data.sql: the sample of 2,357 customers of CDNOW of Fader, Hardie and Lee (2005), and the
11,104 donors of Fader, Hardie and Shang (2010).
"""
import os
import re

import mpmath
import numpy as np
from scipy import integrate, optimize, special, stats

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, 'data.sql')) as file:
    script = file.read()


def data(name):
    text = re.search(r"'%s', '([^']*)'" % name, script).group(1)
    rows = [[float(v) for v in part.split()] for part in text.replace('\n', '').split(',')]
    return np.array([row if len(row) > width(name) else row + [1] for row in rows])


def width(name):
    return 2 if name == 'spend' else 3


lgamma, hyp2f1 = special.gammaln, special.hyp2f1


def beta(a, b):
    return special.betaln(a, b)


# ---- Likelihoods, as printed in the papers ----

def bg_nbd(p, x, t, T, mbg=False):
    r, alpha, a, b = p
    k = 1 if mbg else 0
    front = lgamma(r + x) - lgamma(r) + r * np.log(alpha) - beta(a, b)
    alive = beta(a, b + x + k) - (r + x) * np.log(alpha + T)
    with np.errstate(divide='ignore', invalid='ignore'):
        dead = beta(a + 1, b + x - 1 + k) - (r + x) * np.log(alpha + t)
    if not mbg:
        dead = np.where(x > 0, dead, -np.inf)
    return front + np.logaddexp(alive, dead)


def pareto_nbd(p, x, t, T):
    r, alpha, s, b = p

    def part(y):
        if alpha >= b:
            return hyp2f1(r + s + x, s + 1, r + s + x + 1, (alpha - b) / (alpha + y)) / (alpha + y) ** (r + s + x)
        return hyp2f1(r + s + x, r + x, r + s + x + 1, (b - alpha) / (b + y)) / (b + y) ** (r + s + x)

    front = lgamma(r + x) - lgamma(r) + r * np.log(alpha) + s * np.log(b)
    inner = 1 / ((alpha + T) ** (r + x) * (b + T) ** s) + s / (r + s + x) * (part(t) - part(T))
    return front + np.log(inner)


def bg_bb(p, x, t, n):
    a, b, g, d = p
    total = np.empty(len(x))
    for i in range(len(x)):
        terms = [beta(a + x[i], b + n[i] - x[i]) + beta(g, d + n[i])]
        terms += [beta(a + x[i], b + t[i] - x[i] + j) + beta(g + 1, d + t[i] + j) for j in range(int(n[i] - t[i]))]
        total[i] = special.logsumexp(terms)
    return total - beta(a, b) - beta(g, d)


def gamma_gamma(p, x, z):
    p, q, v = p
    return (lgamma(p * x + q) - lgamma(p * x) - lgamma(q) + q * np.log(v) + (p * x - 1) * np.log(z)
            + p * x * np.log(x) - (p * x + q) * np.log(v + x * z))


def sbg(p, alive):
    a, b = p
    s = np.exp([beta(a, b + t) - beta(a, b) for t in range(len(alive))])
    return np.sum((alive[:-1] - alive[1:]) * np.log(s[:-1] - s[1:])) + alive[-1] * np.log(s[-1])


def fit(name, likelihood, start):
    def f(logs):
        return -likelihood(np.exp(logs))

    at = np.log(start)
    for _ in range(6):
        at = optimize.minimize(f, at, method='Nelder-Mead',
                               options=dict(xatol=1e-10, fatol=1e-12, maxiter=10000, maxfev=10000)).x
    n, h = len(at), 1e-3
    hessian = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            e, g = np.eye(n)[i] * h, np.eye(n)[j] * h
            hessian[i, j] = (f(at + e + g) - f(at + e - g) - f(at - e + g) + f(at - e - g)) / (4 * h * h)
    errors = np.exp(at) * np.sqrt(np.diag(np.linalg.inv(hessian)))
    print(name, 'log-likelihood %.4f' % -f(at))
    print('  ', ' '.join('%.5f (%.4f)' % pair for pair in zip(np.exp(at), errors)))


def weighted(likelihood, rows):
    columns = [rows[:, i] for i in range(rows.shape[1])]
    return lambda p: np.sum(columns[-1] * likelihood(p, *columns[:-1]))


cdnow = data('cdnow')
cdnow[:, 1:3] /= 7
donors = data('donors')
spend = data('spend')
fit('BG/NBD', weighted(bg_nbd, cdnow), [0.5, 5, 1, 2])
fit('MBG/NBD', weighted(lambda p, x, t, T: bg_nbd(p, x, t, T, True), cdnow), [0.5, 5, 1, 2])
fit('Pareto/NBD', weighted(pareto_nbd, cdnow), [0.5, 10, 0.5, 10])
fit('BG/BB', weighted(bg_bb, donors), [1, 1, 1, 2])
fit('Gamma-Gamma', weighted(gamma_gamma, spend), [6, 4, 15])
for name, shares in ('Regular', [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1]), \
        ('High End', [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1]):
    fit('sBG ' + name, lambda p: sbg(p, np.array(shares) * 10), [1, 2])


# ---- What customers of known traits do, integrated over the traits ----

def over(density1, high1, density2, high2, f):
    def value(u, v):
        return f(u, v) * density1(u) * density2(v)
    return integrate.dblquad(lambda v, u: value(u, v), 0, high1, 0, high2, epsabs=1e-13, epsrel=1e-11)[0]


def shop(model, p, x, t, T, horizon):
    """P(alive), purchases expected, P(no purchase), by the rate of buying and the trait of leaving."""
    r, alpha, a, b = p
    # The traits are written so that their densities have no pole at 0: rate = u ** 3, and so on.
    rate = stats.gamma(r, scale=1 / alpha)

    def of_u(u):
        return rate.pdf(u ** 4) * 4 * u ** 3 if u > 0 else 0.0

    if model == 'Pareto/NBD':
        leaving = stats.gamma(a, scale=1 / b)
        high = leaving.isf(1e-15) ** 0.25
    else:
        leaving = stats.beta(a, b)
        high = 1

    def of_v(v):
        return leaving.pdf(v ** 4) * 4 * v ** 3 if 0 < v and v ** 4 < 1 or model == 'Pareto/NBD' and v > 0 else 0.0

    def alive(l, m):
        if model == 'Pareto/NBD':
            return l ** x * np.exp(-(l + m) * T)
        return (1 - m) ** (x + (model == 'MBG/NBD')) * l ** x * np.exp(-l * T)

    def dead(l, m):
        if model == 'Pareto/NBD':
            return l ** x * m * (np.exp(-(l + m) * t) - np.exp(-(l + m) * T)) / (l + m)
        if x == 0:
            return m if model == 'MBG/NBD' else 0
        return m * (1 - m) ** (x - 1 + (model == 'MBG/NBD')) * l ** x * np.exp(-l * t)

    def purchases(l, m):
        if model == 'Pareto/NBD':
            return alive(l, m) * l * -np.expm1(-m * horizon) / m
        return alive(l, m) * -np.expm1(-l * m * horizon) / m

    def silent(l, m):
        if model == 'Pareto/NBD':
            none = (m + l * np.exp(-(l + m) * horizon)) / (l + m)
        else:
            none = np.exp(-l * horizon)
        return alive(l, m) * none + dead(l, m)

    top = rate.isf(1e-15) ** 0.25

    def mean(f):
        return over(of_u, top, of_v, high, lambda u, v: f(u ** 4, v ** 4))

    here, gone = mean(alive), mean(dead)
    all_ = here + gone
    print(model, (x, t, T, horizon), 'log-likelihood %.7f alive %.7f purchases %.7f none %.7f' % (
        np.log(all_), here / all_, mean(purchases) / all_, mean(silent) / all_))


for model, p in ('BG/NBD', (0.243, 4.414, 0.793, 2.426)), ('MBG/NBD', (0.525, 6.183, 0.891, 1.614)), \
        ('Pareto/NBD', (0.553, 10.578, 0.606, 11.669)), ('Pareto/NBD', (0.8, 3, 1, 9)), ('BG/NBD', (0.5, 8, 1, 3)):
    for x, t, T, horizon in (2, 30.43, 38.86, 39), (0, 0, 38.86, 39), (5, 10, 38.86, 13), (0, 0, 0, 52):
        shop(model, p, x, t, T, horizon)


def opportunities(p, x, t, n, horizon):
    """BG/BB by all ways in which the next opportunities can turn out for customers of known traits."""
    a, b, g, d = p
    buying, leaving = stats.beta(a, b), stats.beta(g, d)

    def alive(q, w):
        return q ** x * (1 - q) ** (n - x) * (1 - w) ** n

    def dead(q, w):
        return sum(q ** x * (1 - q) ** (t - x + i) * w * (1 - w) ** (t + i) for i in range(n - t))

    def mean(f):
        return over(buying.pdf, 1, leaving.pdf, 1, f)

    def purchases(q, w):
        return alive(q, w) * q * sum((1 - w) ** k for k in range(1, horizon + 1))

    def silent(q, w):
        stay = (1 - w) ** horizon * (1 - q) ** horizon
        left = sum((1 - w) ** k * w * (1 - q) ** k for k in range(horizon))
        return alive(q, w) * (stay + left) + dead(q, w)

    all_ = mean(alive) + mean(dead)
    print('BG/BB', (x, t, n, horizon), 'log-likelihood %.7f alive %.7f purchases %.7f none %.7f' % (
        np.log(all_), mean(lambda q, w: alive(q, w) * (1 - w)) / all_, mean(purchases) / all_, mean(silent) / all_))


for x, t, n, horizon in (0, 0, 6, 5), (4, 5, 6, 10), (6, 6, 6, 5), (0, 0, 0, 6):
    opportunities((1.204, 0.750, 0.657, 2.783), x, t, n, horizon)


# ---- P(alive) of Pareto/NBD by the printed formula (Fader and Hardie 2005, equations 20 and 22), with 60 digits ----

mpmath.mp.dps = 60


def exact_alive(p, x, t, T):
    r, alpha, s, b, x, t, T = [mpmath.mpf(repr(float(v))) for v in (*p, x, t, T)]

    def part(y):
        if alpha >= b:
            return mpmath.hyp2f1(r + s + x, s + 1, r + s + x + 1, (alpha - b) / (alpha + y)) / (alpha + y) ** (r + s + x)
        return mpmath.hyp2f1(r + s + x, r + x, r + s + x + 1, (b - alpha) / (b + y)) / (b + y) ** (r + s + x)

    odds = s / (r + s + x) * (alpha + T) ** (r + x) * (b + T) ** s * (part(t) - part(T))
    print('{%s}|%s|%s|%s|%s' % (','.join('%g' % v for v in p), x, t, T, mpmath.nstr(1 / (1 + odds), 17)))


for p in (0.553, 10.578, 0.606, 11.669), (1.2, 30, 0.7, 4), (0.4, 3, 0.9, 40), (2, 7, 1.5, 7), (0.5, 1000, 0.6, 2), \
        (0.5, 0.01, 20, 500):
    for x, t, T in (0, 0, 39), (1, 0.5, 39), (4, 38.9999, 39), (254, 300, 301), (12, 20, 2000):
        exact_alive(p, x, t, T)
# the integrand falls fast, far from where it begins
for p, x, t, T in ((0.00346518, 2.63071, 369.563, 351.385), 0, 0, 23.7648), \
        ((0.0775502, 5.39191, 19.0653, 92.9888), 0, 0, 363.037), ((19.8451, 324.702, 0.0151836, 0.00373479), 48, 10.3893, 144.989):
    exact_alive(p, x, t, T)
