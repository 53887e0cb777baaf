#!/bin/sh
# Compares the bill of lunch.txt with what the waiter wrote down.
got=$(./bill.sh lunch.txt)
if [ "$got" = 23.35 ]; then
    echo "ok: $got"
else
    echo "FAILED: the bill says $got, the waiter says 23.35"
    exit 1
fi
