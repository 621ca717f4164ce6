# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests stand on: namespaces, engines, command lines, and the search for leaks."""
