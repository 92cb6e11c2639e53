"""People, the identifiers that they share, and the groups that hide in them.

In: frames of records with identifiers. Out: components, networks, features of surroundings, judged groups.
"""

from creditcore.linking.groups import Groups, find_groups
from creditcore.linking.network import Network, components

__all__ = ["Groups", "Network", "components", "find_groups"]
