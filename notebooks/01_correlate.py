# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which workload tunnelled where?
#
# The samples are a real capture: Squid's access log and the access logs of six sidecars, over a minute and a half.
# The sidecars know *who* opened a connection to the proxy, Squid knows *where* it went. This notebook reads both, joins them, and
# looks at what came out.

# %%
from pathlib import Path

import egresslog

samples = Path("../sample_logs") if Path("../sample_logs").is_dir() else Path("sample_logs")

# %% [markdown]
# ## Read
#
# Kind and format of every file are found by content. `records` is a pandas DataFrame; what could not be read stands in `rejects`.

# %%
squid = egresslog.read_squid(samples / "lab-native" / "squid")
envoy = egresslog.read_envoy(samples / "lab-native" / "envoy")
squid, envoy

# %%
squid.records[["end", "elapsed", "client_address", "method", "host", "port", "result", "status", "bytes_down"]].head()

# %% [markdown]
# ## Correlate
#
# This Squid log is in the native format: it has no client port, so the links rest on start, end and bytes.

# %%
found = egresslog.correlate(squid=squid, envoy=envoy, pods=samples / "lab-native" / "pods.json")
found

# %%
found.transactions["link"].value_counts()

# %% [markdown]
# Every Squid line has a link or exactly one reason, every Envoy line has a fate, and both sides add up.

# %%
found.balance

# %%
found.clock

# %% [markdown]
# ## Who went where
#
# Bytes *up* by workload and host stand in neither log alone: Squid's native format does not log them, and Envoy does not know the host.
# `bytes_up` is known of `bytes_up_known` of the `transactions`.

# %%
matrix = found.matrix(by=["cluster", "namespace", "workload", "client", "host"])
columns = ["namespace", "client", "host", "tunnels", "denied", "failed", "bytes_up", "bytes_up_known", "transactions", "bytes_down"]
matrix.sort_values("bytes_up", ascending=False)[columns].head(10)

# %%
found.plot(top=15);

# %% [markdown]
# ## What is not known, and why
#
# Twenty identical tunnels to one host, opened within milliseconds: which of them is which cannot be told, and is not.
# Their workload can: all of them came from one pod.

# %%
unsure = found.transactions.query("link == 'ambiguous'")
unsure.groupby(["workload", "attribution", "host"]).size()

# %%
found.explain(unsure["transaction_id"].iloc[0])

# %%
found.transactions.query("link == 'none'").groupby(["reason", "client_address"]).size()

# %% [markdown]
# ## The same traffic with the client port logged
#
# One line in `squid.conf` (see the README) makes every link exact.

# %%
exact = egresslog.correlate(samples / "lab")
exact.transactions["link"].value_counts()

# %% [markdown]
# How many of the links made without the port agree with those made with it?

# %%
key = ["rotated", "squid_line"]
sides = [t.assign(rotated=t["squid_file"].str.endswith(".0")) for t in (found.transactions, exact.transactions)]
both = sides[0].merge(sides[1], on=key, suffixes=("", "_exact"))
linked = both[both["connection_id"].notna()]
same = (linked["envoy_line"] == linked["envoy_line_exact"]) & (linked["pod"] == linked["pod_exact"])
f"{same.sum()} of {len(linked)}"
