"""Chapter 15: four shares, one step ahead. Which way does a price go, and how far?

Claim: a GRU says how far a price goes better than the rule that costs nothing, an exponential mean of past sizes.
Refuted by: a share on which the interval of the network's gain over that rule lies below `margin`.

The prices come with Matplotlib: Google's share for four years, by trading day; IBM, Apple and Microsoft since 1990, by
month. They are there because they are still well known, so they are no fair draw of shares. A network reads the
changes of the logarithm of the price (which way), or their sizes (how far), and says the next; "joined" says what the
exponential mean misses, and that is added. The last fifth of the part before `cut` chooses the rate and when to stop,
the rest of it is learned from; the weight of the mean is the best of that whole part. An untrained network says 0. A
value is the mean squared error in the test over that of "no change", or of the mean size of the past: 1 is that.
"""

import numpy as np

from course_pkg import forecasts, models, tasks
from course_pkg.experiments import trials, verdicts
from course_pkg.trees import tree_map

SETTINGS = {
    "shares": {"Google": 700, "IBM": 260, "Apple": 260, "Microsoft": 260},
    "contender": ["network"],
    "rates": [0.003, 0.01, 0.001, 0.03, 0.0003],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 25, 50, 75, 100, 150, 200, 300, 400, 500, 600],
    "search": {"seeds": [100, 101], "updates": [0, 25, 50, 100, 200, 300], "best": "end"},
    "better": "lower",
    "learned": 0.95,
    "guess": 1.0,
    "flat": 0.02,
    "margin": 0.02,
    "lags": [0, 5, 10],
    "weights": [0.01, 0.02, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5],
    "units": 8,
    "piece": 40,
    "batch": 32,
}
QUICK = SETTINGS | {
    "shares": {"IBM": 260},
    "rates": [0.003],
    "seeds": [0],
    "updates": [0, 1],
    "search": SETTINGS["search"] | {"seeds": [100], "updates": [0, 1]},
}
COLUMNS = {"IBM": "IBM", "Apple": "AAPL", "Microsoft": "MSFT"}
KINDS = ("which way", "alone"), ("how far", "alone"), ("how far", "joined")


def prices(share):
    """The prices of a share (T,), out of Matplotlib's examples. The last of the monthly ones is told twice there."""
    from matplotlib.cbook import get_sample_data

    if share == "Google":
        return np.asarray(get_sample_data("goog.npz")["price_data"]["adj_close"], float)
    return tasks.prices_csv(get_sample_data("Stocks.csv", asfileobj=False), COLUMNS[share]).prices[:-1].astype(float)


def asked(share, question, cut):
    """What is to be said (T - 1,), in units of the part before `cut`; who knows nothing says 0."""
    z = np.diff(np.log(prices(share)))
    if question == "how far":
        z = np.abs(z) - np.abs(z[:cut]).mean()
    return z / z[:cut].std()


def rule(z, cut, weights):
    """(weight, forecasts of z[1:]) of the exponential mean with the least squared error from z[20] to z[cut - 1]."""
    tried = {w: forecasts.exponential_mean(z, w)[:-1] for w in weights}
    best = min(tried, key=lambda w: np.mean((z[20:cut] - tried[w][19 : cut - 1]) ** 2))
    return best, tried[best]


def cases(settings):
    """For each share: which way; how far, by the network alone and joined to the exponential mean."""
    return [
        {"share": share, "question": question, "network": network}
        for share in settings["shares"]
        for question, network in KINDS
    ]


def train(settings, rate, seed, case):
    """One network, the best so far on the last fifth before the cut; in the comparison what it `said` of the test."""
    cut, searching = settings["shares"][case["share"]], "hopeless" in settings
    z = asked(case["share"], case["question"], cut)
    base = rule(z, cut, settings["weights"])[1] if case["network"] == "joined" else np.zeros(len(z) - 1)
    x, y = z[:-1].astype(np.float32), (z[1:] - base).astype(np.float32)
    early, piece, rng = int(0.8 * cut), settings["piece"], np.random.default_rng(seed)
    net, kept = models.init("gru", 1, settings["units"], 1, rng), {"choose": np.inf}
    net = net._replace(readout=tree_map(np.zeros_like, net.readout))  # it starts as what it is added to

    def draw(rng):
        starts = rng.integers(early - piece, size=settings["batch"])
        steps = starts[:, None] + np.arange(piece)
        return x[steps][:, :, None], y[steps][:, :, None]

    def look(net):
        said = base + models.many_to_many(x[None, :, None], net)[0][0, :, 0]
        off = (said - z[1:]) ** 2
        choose = off[early - 1 : cut - 1].mean()
        if choose < kept["choose"]:
            part = slice(early - 1, cut - 1) if searching else slice(cut - 1, None)
            kept.update(choose=choose, said=said[cut - 1 :], values=off[part].mean() / np.mean(z[1:][part] ** 2))
        return {"values": kept["values"]}

    how = {"rate": rate, "updates": settings["updates"], "look": look}
    found = trials.follow(models.forecaster_loss, net, draw, rng, **how)
    return found if searching else found | {"said": [float(f"{v:.3g}") for v in kept["said"]]}


def verdict(stored):
    """The claim for each share and each of the two networks, from the gain in skill over the rule, step by step.

    It holds where the gain is larger than 1.96 of its error, with the largest of the errors for `lags`, as gains of
    neighbouring steps depend on each other; it does not where even the upper end lies below `margin`.
    """
    settings, cases, why = stored["settings"], {}, {}
    for share, cut in settings["shares"].items():
        z = asked(share, "how far", cut)
        missed = (rule(z, cut, settings["weights"])[1][cut - 1 :] - z[cut:]) ** 2
        for network in ("alone", "joined"):
            rows, name = (
                trials.compared(stored, share=share, question="how far", network=network),
                f"{share}, {network}",
            )
            off = np.mean([(np.array(row["said"]) - z[cut:]) ** 2 for row in rows], axis=0)
            gain = (missed - off) / np.mean(z[cut:] ** 2)
            width = 1.96 * max(forecasts.newey_west(gain, lags) for lags in settings["lags"])
            held = True if gain.mean() > width else False if gain.mean() + width < settings["margin"] else None
            if min(trials.last(row, settings) for row in rows) >= settings["guess"]:
                held, why[name] = None, "no network says more than nothing"
            elif held is None:
                why[name] = "the interval of the gain holds 0"
            cases[name] = held
    return verdicts.Verdict(cases, why)
