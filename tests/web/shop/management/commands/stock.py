"""Fills a new database."""

import datetime

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

from shop.models import Customer, Line, Order, Product, Tag


class Command(BaseCommand):
    def handle(self, *args, **options):
        User.objects.create_superuser("ada", "ada@mail.example", "correct horse")
        for name in ("Grace", "Barbara", "Katherine"):
            Customer.objects.create(name=name, mail=f"{name.lower()}@mail.example")
        for number in range(1, 25):
            kind = ("lamp", "chair", "table")[number % 3]
            Product.objects.create(
                name=f"{kind.title()} {number}", kind=kind, price=10 + number, stock=number % 7
            )
        for name in ("new", "sale", "oak"):
            Tag.objects.create(name=name)
        for number in range(1, 4):
            placed = datetime.datetime(2031, 5, number, 9, 30, tzinfo=datetime.UTC)
            order = Order.objects.create(customer_id=number, placed=placed)
            Line.objects.create(order=order, product_id=number, count=number)
