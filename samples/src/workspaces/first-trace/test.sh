#!/bin/sh
# Compares the bill of lunch.txt with what the bank took off the card.
got=$(./bill.sh lunch.txt)
if [ "$got" = 21.48 ]; then
    echo "ok: $got"
else
    echo "FAILED: the bill says $got, the bank says 21.48"
    exit 1
fi
