"""Django's admin: each begins with a login."""

from __future__ import annotations

from playwright.sync_api import expect
from web_person import Person
from web_programs import Shop
from web_task import Task


def _log_in(person: Person) -> None:
    person.click(person.css("#id_username"))
    person.type("ada")
    person.press("Tab")
    person.type("correct horse\n")
    person.sees("Site administration")


def _add(person: Person, app: Shop) -> None:
    _log_in(person)
    person.click(person.link("Products"))
    person.click(person.link("Add product"))
    person.click(person.css("#id_name"))
    person.type("Bench")
    person.press("Tab")
    person.type("Ch")
    person.write(person.css("#id_price"), "89.90")
    person.write(person.css("#id_stock"), "4")
    person.give(person.css("#id_sheet"), app.folder / "sheet.txt")
    person.click(person.css("#id_tags_from option >> text=oak"), count=2)
    person.click(person.button("Save"))
    person.sees("was added successfully")


def _added(app: Shop) -> None:
    assert app.all("select name, kind, price, stock, sheet from shop_product where id = 25") == [
        ("Bench", "chair", 89.9, 4, "sheets/sheet.txt")
    ]
    assert app.all("select tag_id from shop_product_tags") == [(3,)]
    assert (app.folder / "media/sheets/sheet.txt").read_text() == "Oak, 40 × 60 cm\n"


django_add = Task(
    name="django-add",
    summary="Logs in and adds a product with a list's choice, a file and a tag by a double click.",
    path="/admin/",
    serve=Shop,
    do=_add,
    shows="Bench” was added successfully",
    outcome=_added,
)


def _retire(person: Person, app: Shop) -> None:
    _log_in(person)
    person.click(person.link("Products"))
    person.click(person.link("Chair"))
    person.sees("8 products")
    for name in ("Chair 4", "Chair 10"):
        person.click(person.page.get_by_role("row").filter(has_text=name).get_by_role("checkbox").first)
    person.sees("2 of 8 selected")
    person.click(person.css("select[name=action]"))
    person.press("Escape")
    person.type("Ret")
    person.click(person.button("Run"))
    person.sees("2 products were retired")
    person.click(person.link("No"))
    person.sees("2 products")


def _retired(app: Shop) -> None:
    assert app.all("select id from shop_product where not active order by id") == [(4,), (10,)]


django_retire = Task(
    name="django-retire",
    summary="Filters a list, selects two rows by their names and runs an action on them.",
    path="/admin/",
    serve=Shop,
    do=_retire,
    shows="Chair 10",
    outcome=_retired,
)


def _inline(person: Person, app: Shop) -> None:
    _log_in(person)
    person.click(person.link("Orders"))
    person.click(person.link("Order 2"))
    person.write(person.css("#id_line_set-0-count"), "12")
    person.click(person.page.get_by_text("Add another Line"))
    row = person.css("#line_set-1")
    person.click(person.css(".select2-selection", row))
    person.sees("Chair 1")
    person.type("Lamp 9")
    person.click(person.page.get_by_role("option", name="Lamp 9"))
    person.write(person.css("#id_line_set-1-count"), "3")
    person.click(person.css("#id_placed_0 ~ .datetimeshortcuts a >> text=Today"))
    person.click(person.button("Save and continue editing"))
    person.sees("was changed successfully")


def _inlined(app: Shop) -> None:
    assert app.all("select product_id, count from shop_line where order_id = 2 order by id") == [
        (2, 12),
        (9, 3),
    ]


django_inline = Task(
    name="django-inline",
    summary="Changes an order: a line's count, another line by autocomplete (select2), today as its date.",
    path="/admin/",
    serve=Shop,
    do=_inline,
    shows="was changed successfully",
    outcome=_inlined,
)


def _popup(person: Person, app: Shop) -> None:
    _log_in(person)
    person.click(person.css("#orders-add, .model-order .addlink"))
    adding = person.popup(lambda: person.click(person.css("#add_id_customer")))
    adding.click(adding.css("#id_name"))
    adding.type("Emmy")
    adding.press("Tab")
    adding.type("not a mail\n")
    adding.sees("Enter a valid email address")
    adding.write(adding.css("#id_mail"), "emmy@mail.example")
    adding.click(adding.button("Save"))
    expect(person.css("#id_customer")).to_contain_text("Emmy")
    person.click(person.css("#id_placed_0"))
    person.type("2031-06-01")
    person.press("Tab", "Tab", "Tab")
    person.type("10:00:00")
    person.write(person.css("#id_placed_1"), "10:00:00")
    person.click(person.button("Save"))
    person.sees("was added successfully")


def _customer_added(app: Shop) -> None:
    assert app.all(
        "select c.name from shop_order o join shop_customer c on c.id = customer_id where o.id = 4"
    ) == [("Emmy",)]


django_popup = Task(
    name="django-popup",
    summary="Adds an order and, in the window that its plus opens, its customer, whose mail is wrong at first.",
    path="/admin/",
    serve=Shop,
    do=_popup,
    shows="Emmy",
    outcome=_customer_added,
)


def _delete(person: Person, app: Shop) -> None:
    _log_in(person)
    person.click(person.link("Customers"))
    person.click(person.css("#searchbar"))
    person.type("barb\n")
    person.sees("1 customer")
    person.click(person.link("Barbara"))
    person.click(person.css(".deletelink"))
    person.sees("Are you sure")
    person.back()
    person.sees("Change customer")
    person.click(person.css(".deletelink"))
    person.click(person.button("Yes, I’m sure"))
    person.sees("was deleted successfully")


def _deleted(app: Shop) -> None:
    assert app.all("select name from shop_customer order by id") == [("Grace",), ("Katherine",)]
    assert app.all("select count(*) from shop_order") == [(2,)]


django_delete = Task(
    name="django-delete",
    summary="Searches a customer, hesitates before deleting him (back), then does it, with his orders.",
    path="/admin/",
    serve=Shop,
    do=_delete,
    shows="was deleted successfully",
    outcome=_deleted,
)


def _stock(person: Person, app: Shop) -> None:
    _log_in(person)
    person.click(person.link("Products"))
    for name, count in (("Table 23", "70"), ("Lamp 18", "80")):
        person.write(
            person.css("input[type=number]", person.page.get_by_role("row").filter(has_text=name)), count
        )
    person.click(person.css("input[name=_save]"))
    person.sees("2 products were changed successfully")


def _stocked(app: Shop) -> None:
    assert app.all("select name, stock from shop_product where stock > 60 order by stock") == [
        ("Table 23", 70),
        ("Lamp 18", 80),
    ]


django_stock = Task(
    name="django-stock",
    summary="Edits two counts in a list of 24 like rows and saves them at once.",
    path="/admin/",
    serve=Shop,
    do=_stock,
    shows="2 products were changed successfully",
    outcome=_stocked,
)
