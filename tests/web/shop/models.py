"""What the shop sells, to whom, and what was ordered."""

from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=80)
    mail = models.EmailField(blank=True)
    since = models.DateField(null=True, blank=True)

    def __str__(self):
        return self.name


class Product(models.Model):
    class Kind(models.TextChoices):
        LAMP = "lamp", "Lamp"
        CHAIR = "chair", "Chair"
        TABLE = "table", "Table"

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.LAMP)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.IntegerField(default=0)
    active = models.BooleanField(default=True)
    sheet = models.FileField(upload_to="sheets", blank=True)
    tags = models.ManyToManyField("Tag", blank=True)

    def __str__(self):
        return self.name


class Tag(models.Model):
    name = models.CharField(max_length=40)

    def __str__(self):
        return self.name


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    state = models.CharField(max_length=10, choices=[(s, s) for s in ("new", "paid", "sent")], default="new")
    placed = models.DateTimeField()

    def __str__(self):
        return f"Order {self.pk}"


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
    product = models.ForeignKey(Product, on_delete=models.CASCADE)
    count = models.PositiveIntegerField(default=1)
