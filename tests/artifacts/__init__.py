"""The packages that `make dist` builds, used as someone who has only the packages."""
