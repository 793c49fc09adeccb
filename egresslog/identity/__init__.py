"""address + time -> workload: Kubernetes pod lists, log paths, and the Envoy logs themselves."""
