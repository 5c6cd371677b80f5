"""A simulated KubeVirt cluster that speaks the Kubernetes REST API over HTTP.

It exists so that the bot, unchanged, and kubectl can be tried without a cluster: same verbs, same words, same order of
events as Kubernetes 1.34 with KubeVirt 1.9, on a virtual clock. It promises the behaviour that moving VMs depends on;
it does not promise server-side apply, hotplug, snapshots or any network or storage traffic.
"""

from bot.sandbox.cluster.sandbox import ClusterSandbox, serve

__all__ = ["ClusterSandbox", "serve"]
