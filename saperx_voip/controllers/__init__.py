from . import statement
from . import template
