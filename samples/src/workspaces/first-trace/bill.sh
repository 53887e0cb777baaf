#!/bin/sh
# bill.sh FILE: in euros, the sum of a bill's lines "ITEM COUNT DOLLARS"; asks the bank what a dollar is worth today.
rate=$(curl -s "$BANK/rates/usd" | sed -n 's/.*"eur": \([0-9]*\).*/\1/p')
awk -v rate="$rate" '{ total += $2 * $3 * rate } END { printf "%.2f\n", total }' "$1"
