#!/bin/sh
# bill.sh FILE: the sum of a bill's lines "ITEM COUNT PRICE", with two decimals.
awk '{ total += int($2 * $3) } END { printf "%.2f\n", total }' "$1"
