"""The Cluster port over HTTP, on the official client's connection and credentials. Start with `KubeCluster.connect`."""

from k8s.client.kube_cluster import KubeCluster

__all__ = ["KubeCluster"]
