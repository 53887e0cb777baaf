"""The shop's admin: filters, search, editable lists, inlines, autocomplete, actions."""

from django.contrib import admin

from shop.models import Customer, Line, Order, Product, Tag


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    list_display = ("name", "mail", "since")
    search_fields = ("name",)


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ("name", "kind", "price", "stock", "active")
    list_editable = ("stock",)
    list_filter = ("kind", "active")
    search_fields = ("name",)
    filter_horizontal = ("tags",)
    actions = ("retire",)

    @admin.action(description="Retire selected products")
    def retire(self, request, queryset):
        self.message_user(request, f"{queryset.update(active=False)} products were retired.")


class Lines(admin.TabularInline):
    model = Line
    extra = 1
    autocomplete_fields = ("product",)


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ("__str__", "customer", "state", "placed")
    inlines = (Lines,)


admin.site.register(Tag)
